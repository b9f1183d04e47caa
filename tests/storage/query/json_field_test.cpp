#include "storage/query/json_field.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(json_field)

namespace {

std::string field(std::string_view json, std::string_view path) {
  return std::string(find_json_field(json, path).value_or("none"));
}

std::string text(std::string_view literal) {
  std::string scratch;
  return std::string(unescaped_json(literal, scratch));
}

}  // namespace

BOOST_AUTO_TEST_CASE(members_are_found_by_name_and_by_path) {
  constexpr std::string_view json =
      R"({"a":1,"b":"x, \"a\":2","c":{"a":[1,{"d":true}],"e":null},"c.a":"dotted","ab":-1.5e3})";
  BOOST_TEST(field(json, "a") == "1");
  BOOST_TEST(field(json, "b") == R"("x, \"a\":2")");
  BOOST_TEST(field(json, "c.e") == "null");
  BOOST_TEST(field(json, "c.a") == "\"dotted\"");  // the name itself comes first
  BOOST_TEST(field(json, "ab") == "-1.5e3");
  BOOST_TEST(field(json, "d") == "none");
  BOOST_TEST(field(json, "c.x") == "none");
  BOOST_TEST(field(json, "a.x") == "none");
  BOOST_TEST(field(json, "") == "none");
}

BOOST_AUTO_TEST_CASE(what_is_no_json_has_no_members) {
  for (const char* broken :
       {"", "{", "[1]", "\"a\"", "{\"a\"", "{\"a\":", "{\"a\":\"x", "{\"b\":[1,",
        "{\"b\":{\"a\":1,", "{,\"a\":1}", "{1:2,\"a\":1}", "}", "{\"b\":]"}) {
    BOOST_TEST(field(broken, "a") == "none", broken);
  }
}

BOOST_AUTO_TEST_CASE(names_are_compared_as_they_are_written) {
  BOOST_TEST(field(R"({"a\"b":1})", "a\"b") == "1");
  BOOST_TEST(field(R"({"a b":1})", "a b") == "1");
}

BOOST_AUTO_TEST_CASE(strings_are_unescaped) {
  BOOST_TEST(text(R"("plain")") == "plain");
  BOOST_TEST(text(R"("a\"b\\c\/d\n\t")") == "a\"b\\c/d\n\t");
  BOOST_TEST(text(R"("\u00e9\u20ac\ud83d\ude00")") == "é€😀");
  BOOST_TEST(text("\"\\u12\"") == "u12");
}

BOOST_AUTO_TEST_CASE(elements_come_one_by_one_until_one_is_taken) {
  std::string seen;
  const auto take = [&seen](std::string_view value) {
    seen += std::string(value) + ';';
    return value == "2";
  };
  BOOST_TEST(any_json_element("[1, \"x\",[3],2,4]", take));
  BOOST_TEST(seen == "1;\"x\";[3];2;");
  BOOST_TEST(!any_json_element("[]", take));
  BOOST_TEST(!any_json_element("5", take));
}

BOOST_AUTO_TEST_SUITE_END()
