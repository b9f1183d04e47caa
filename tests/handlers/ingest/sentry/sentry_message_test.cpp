#include "handlers/ingest/sentry/sentry_message.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>

using namespace picortex;

namespace {

struct SentryMessageFixture {
  simdjson::dom::parser parser;

  SentryValue value(const std::string& json) {
    SentryValue value;
    BOOST_REQUIRE(parser.parse(json).get(value) == simdjson::SUCCESS);
    return value;
  }

  std::string format(std::string_view pattern, const std::string& params) {
    return format_message(pattern, value(params));
  }

  // Of an event with those members.
  SentryMessage read(const std::string& event) {
    const SentryValue root = value(event);
    return SentryMessage::read(member_of(root, "logentry"), member_of(root, "message"));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sentry_message, SentryMessageFixture)

BOOST_AUTO_TEST_CASE(parameters_take_their_places) {
  BOOST_TEST(format("order of %s failed %s times", R"(["u-17",3])") ==
             "order of u-17 failed 3 times");
  BOOST_TEST(format("order %(id)s failed, %(why)r", R"({"id":5,"why":"late"})") ==
             "order 5 failed, late");
  BOOST_TEST(format("%d of %i, 100 %%", "[1,2]") == "1 of 2, 100 %");
  BOOST_TEST(format("%.2f|%5d|%-5s|%05d|%x", R"([1.239,42,"ab",7,255])") ==
             "1.24|   42|ab   |00007|ff");
  BOOST_TEST(format("%s %s %s %o", R"([true,null,{"a":[1,"x"]},[1]])") ==
             R"(true null {"a":[1,"x"]} [1])");
  BOOST_TEST(format("{} and {}", R"(["a",2])") == "a and 2");
  BOOST_TEST(format("{1} then {0}", R"(["a","b"])") == "b then a");
  BOOST_TEST(format("user {user} of {org:>5}", R"({"user":"u","org":7})") == "user u of 7");
}

BOOST_AUTO_TEST_CASE(what_has_no_parameter_stays) {
  BOOST_TEST(format("a %s b %s", R"(["x"])") == "a x b %s");
  BOOST_TEST(format("a %(no)s", R"({"id":5})") == "a %(no)s");
  BOOST_TEST(format("a {no} {", R"({"id":5})") == "a {no} {");
  BOOST_TEST(format("100 % done, %s", R"(["x"])") == "100 % done, x");
  BOOST_TEST(format("%", R"(["x"])") == "%");
  BOOST_TEST(format("%(", R"(["x"])") == "%(");
  BOOST_TEST(format("%-", R"(["x"])") == "%-");
  BOOST_TEST(format("{99999}{12345678901234567890}", R"(["x"])") ==
             "{99999}{12345678901234567890}");
  for (const char* none : {"[]", "{}", "null", "1", "\"x\""}) {
    BOOST_TEST(format("100 % done, %s {}", none) == "100 % done, %s {}", none);
  }
}

BOOST_AUTO_TEST_CASE(the_text_is_bounded_however_often_a_parameter_is_asked_for) {
  const std::string large = "\"" + std::string(100'000, 'x') + "\"";
  std::string pattern;
  for (int i = 0; i < 100'000; ++i) pattern += "%(a)s";
  BOOST_TEST(format(pattern, "{\"a\":" + large + "}").size() == SentryMessage::kTextSizeMax);
  pattern.clear();
  for (int i = 0; i < 100'000; ++i) pattern += "{a}";
  BOOST_TEST(format(pattern, "{\"a\":" + large + "}").size() == SentryMessage::kTextSizeMax);
  BOOST_TEST(format("%999999999d", "[1]").size() == 64u);
  BOOST_TEST(format("%.999999999f", "[1e308]").size() == 330u);
  // Nor does one that asks for many, or for empty ones, take long: the rest stays as it is.
  std::string empties = "[\"\"";
  for (int i = 0; i < 200; ++i) empties += ",\"\"";
  pattern.clear();
  for (int i = 0; i < 300; ++i) pattern += "%s";
  BOOST_TEST(format(pattern, empties + "]").size() == 198u);
  for (int i = 0; i < 200; ++i) empties += ",\"\"";
  BOOST_TEST(format(pattern, empties + "]") == pattern);
  // No half character at the end.
  BOOST_TEST(format(std::string(8191, 'x') + "%s", R"(["é"])").size() == 8191u);
}

BOOST_AUTO_TEST_CASE(a_message_comes_in_many_shapes) {
  struct Case {
    const char* event;
    const char* text;
    const char* identical;
  };
  const Case cases[] = {
      {R"({"message":"m"})", "m", "m"},
      {R"({"logentry":{"message":"a %s","params":["b"]}})", "a b", "a %s"},
      {R"({"logentry":{"message":"a %s","formatted":"a c","params":["b"]}})", "a c", "a %s"},
      {R"({"message":{"message":"a %s","params":["b"]}})", "a b", "a %s"},
      {R"({"message":{"message":"plain","params":null}})", "plain", "plain"},
      {R"({"message":{"formatted":"rendered","message":null}})", "rendered", "rendered"},
      {R"({"logentry":"m"})", "m", "m"},
      {R"({"message":"shown","logentry":{"message":"a %s","params":["b"]}})", "shown", "a %s"},
      {R"({"message":42})", "42", "42"},
      {R"({"message":["a",1]})", R"(["a",1])", R"(["a",1])"},
      {R"({"logentry":{"message":{"k":1}}})", R"({"k":1})", R"({"k":1})"},
      {R"({"message":false})", "", ""},
      {R"({"message":null,"logentry":{}})", "", ""}};
  for (const Case& one : cases) {
    const SentryMessage message = read(one.event);
    BOOST_TEST(message.text == one.text, one.event);
    BOOST_TEST(message.identical == one.identical, one.event);
  }
}

BOOST_AUTO_TEST_SUITE_END()
