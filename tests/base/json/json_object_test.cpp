#include "base/json/json_object.h"

#include <boost/test/unit_test.hpp>

#include "base/time/timestamp.h"
#include "tests/support/forked_abort.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(json_object)

BOOST_AUTO_TEST_CASE(an_object_is_closed_with_the_statement_that_makes_it) {
  std::string out;
  JsonObject(out).text("a", "b").number("n", 1).boolean("t", true).boolean("f", false).null("z");
  BOOST_TEST(out == R"({"a":"b","n":1,"t":true,"f":false,"z":null})");
}

BOOST_AUTO_TEST_CASE(an_object_or_array_without_anything_is_empty) {
  std::string out;
  { JsonObject object(out); }
  { JsonArray array(out); }
  BOOST_TEST(out == "{}[]");
}

BOOST_AUTO_TEST_CASE(names_and_texts_are_escaped) {
  std::string out;
  JsonObject(out).text("a\"\n", "\x1b[31m\"\\");
  BOOST_TEST(out == R"({"a\"\n":"\u001b[31m\"\\"})");
}

BOOST_AUTO_TEST_CASE(numbers_of_every_type_keep_their_value) {
  std::string out;
  JsonObject(out)
      .number("least", INT64_MIN)
      .number("most", UINT64_MAX)
      .number("small", std::uint8_t{200})
      .number("minus", -1)
      .number("part", 0.25)
      .number("none", 1.0 / 0.0);
  BOOST_TEST(out == R"({"least":-9223372036854775808,"most":18446744073709551615,"small":200,)"
                    R"("minus":-1,"part":0.25,"none":null})");
}

BOOST_AUTO_TEST_CASE(objects_and_arrays_nest) {
  std::string out = "[";
  {
    JsonObject object(out);
    {
      JsonArray rows = object.array("rows");
      rows.object().number("n", 1);
      rows.object().number("n", 2);
      rows.text("x").number(3);
      rows.value() += "null";
    }
    object.object("inner").object("most").text("a", "[{");
    object.text("end", "{");
    object.text("after", "");
  }
  BOOST_TEST(out == R"([{"rows":[{"n":1},{"n":2},"x",3,null],"inner":{"most":{"a":"[{"}},)"
                    R"("end":"{","after":""})");
}

BOOST_AUTO_TEST_CASE(a_finished_object_can_be_taken_up_again) {
  std::string out;
  JsonObject::reopened(out).number("n", 1);
  BOOST_TEST(out == R"({"n":1})");
  JsonObject::reopened(out).number("m", 2);
  BOOST_TEST(out == R"({"n":1,"m":2})");
  out = "{}";
  JsonObject::reopened(out).number("n", 1);
  BOOST_TEST(out == R"({"n":1})");
  BOOST_TEST(test::aborts([] {
    std::string array = "[]";
    JsonObject::reopened(array).number("n", 1);
  }));
}

BOOST_AUTO_TEST_CASE(the_members_of_a_finished_object_join_in) {
  std::string out;
  JsonObject(out).members("{}").members(R"({"a":1})").members("").members(R"({"b":{"c":2}})");
  BOOST_TEST(out == R"({"a":1,"b":{"c":2}})");
}

BOOST_AUTO_TEST_CASE(an_empty_text_may_stand_for_null) {
  std::string out;
  JsonObject(out).text_or_null("a", "").text_or_null("b", "x");
  BOOST_TEST(out == R"({"a":null,"b":"x"})");
}

BOOST_AUTO_TEST_CASE(ids_and_times_have_their_texts) {
  std::string out;
  const auto id = parse_uuid("019a9b2c-3d4e-7f60-8123-456789abcdef");
  BOOST_REQUIRE(id.has_value());
  JsonObject(out).id("id", *id).time("t", 1'794'924'000'123);
  BOOST_TEST(out == R"({"id":"019a9b2c-3d4e-7f60-8123-456789abcdef",)"
                    R"("t":"2026-11-17T14:00:00.123Z"})");
}

BOOST_AUTO_TEST_CASE(a_time_that_no_text_can_say_becomes_the_nearest) {
  std::string out;
  JsonObject(out).time("early", INT64_MIN).time("late", INT64_MAX);
  BOOST_TEST(out == R"({"early":"1970-01-01T00:00:00.000Z","late":"2199-12-31T23:59:59.999Z"})");
}

BOOST_AUTO_TEST_SUITE_END()
