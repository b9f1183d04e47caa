#include "handlers/ingest/otlp/otlp_json.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/handlers/ingest/otlp/otlp_fixture.h"

using namespace picortex;

namespace {

using Fixture = test::OtlpFixture;

std::string nested(int depth) {
  std::string value = R"({"intValue":1})";
  for (int i = 0; i < depth; ++i) value = R"({"arrayValue":{"values":[)" + value + "]}}";
  return value;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(otlp_json, Fixture)

BOOST_AUTO_TEST_CASE(nothing_is_no_records) {
  for (const char* body :
       {"{}", R"({"resourceLogs":[]})", R"({"resourceLogs":null})", R"({"resourceLogs":[{}]})",
        R"({"resourceLogs":[{"resource":null,"scopeLogs":[{"scope":null,"logRecords":[]}]}]})",
        R"({"unknown":1})"}) {
    BOOST_TEST(decode_json(body) == "", body);
    BOOST_TEST(batch.events().empty());
  }
}

BOOST_AUTO_TEST_CASE(another_shape_is_an_error_that_names_the_member) {
  const std::pair<std::string, const char*> cases[] = {
      {"[]", "The body is not an object"},
      {R"({"resourceLogs":{}})", "resourceLogs is not an array"},
      {R"({"resourceLogs":[1]})", "resourceLogs is not an object"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[1]}]}]})", "logRecords is not an object"},
      {one_log(R"("timeUnixNano":"x")"), "timeUnixNano is not a whole number"},
      {one_log(R"("timeUnixNano":-1)"), "timeUnixNano is not a time since 1970"},
      {one_log(R"("severityText":1)"), "severityText is not a string"},
      {one_log(R"("traceId":"00")"), "traceId is not as many hex digits as it should have"},
      {one_log(R"("traceId":"0190000000007000800000000000000g")"), "traceId is not hex digits"},
      {one_log(R"("body":1)"), "value is not an object"},
      {one_log(R"("body":{"intValue":"1.5"})"), "intValue is not a whole number"},
      {one_log(R"("body":{"boolValue":"true"})"), "boolValue is not true or false"},
      {one_log(R"("attributes":{})"), "attributes is not an array"},
      {one_log(R"("attributes":[{"key":1}])"), "key is not a string"},
      {one_log(R"("body":)" + nested(9)), "A value is nested more than 8 levels deep"}};
  for (const auto& [body, error] : cases) BOOST_TEST(decode_json(body) == error, body);
  BOOST_TEST(decode_json(one_log(R"("body":)" + nested(8))) == "");
}

BOOST_AUTO_TEST_CASE(numbers_come_as_numbers_or_texts) {
  for (const char* value :
       {R"({"intValue":102})", R"({"intValue":"102"})", R"({"intValue":102.0})"}) {
    BOOST_TEST(decode_json(one_log("\"body\":" + std::string(value))) == "", value);
    BOOST_TEST(only().msg == "102", value);
  }
  BOOST_TEST(decode_json(one_log(R"("body":{"doubleValue":"Infinity"})")) == "");
  BOOST_TEST(only().msg == "null");
  BOOST_TEST(decode_json(one_log(R"("body":{"bytesValue":"AAEC"})")) == "");
  BOOST_TEST(only().msg == "\"AAEC\"");
}

BOOST_AUTO_TEST_CASE(too_many_attributes_and_records_are_an_error) {
  std::string attributes;
  for (std::size_t i = 0; i <= kOtlpAttributesMax; ++i) {
    attributes += (i == 0 ? "" : ",") + attribute("k" + std::to_string(i), "{}");
  }
  BOOST_TEST(decode_json(one_log("\"attributes\":[" + attributes + "]")) ==
             "A record has over 256 attributes");
  std::string records = "{}";
  for (std::size_t i = 0; i < kOtlpRecordsMax; ++i) records += ",{}";
  BOOST_TEST(decode_json(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + records +
                         "]}]}]}") == "The body has over 10000 records");
}

BOOST_AUTO_TEST_SUITE_END()
