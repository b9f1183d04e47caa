#include "handlers/ingest/otlp/otlp_events.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "tests/handlers/ingest/otlp/otlp_fixture.h"

using namespace picortex;

namespace {

using Fixture = test::OtlpFixture;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(otlp_events, Fixture)

BOOST_AUTO_TEST_CASE(a_log_record_becomes_an_event) {
  BOOST_TEST(
      decode_json(one_log(
          R"("timeUnixNano":"1795880745255123456","severityNumber":17,"severityText":"ERROR",)"
          R"("eventName":"job.failed","body":{"stringValue":"it broke"},)"
          R"("traceId":"01900000000070008000000000000abc","spanId":"00000000000000ff",)"
          R"("attributes":[{"key":"job","value":{"stringValue":"build"}},)"
          R"({"key":"tries","value":{"intValue":"3"}},{"key":"ok","value":{"boolValue":false}},)"
          R"({"key":"load","value":{"doubleValue":0.5}},)"
          R"({"key":"list","value":{"arrayValue":{"values":[{"intValue":1},{"stringValue":"a"}]}}},)"
          R"({"key":"map","value":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":2}}]}}},)"
          R"({"key":"picortex.chat_id","value":{"stringValue":"chat-1"}}])",
          R"({"key":"service.name","value":{"stringValue":"bot"}})")) == "");
  const Event& event = only();
  BOOST_TEST(event.time_ms == 1'795'880'745'255);
  BOOST_TEST(bool(event.level == Level::error));
  BOOST_TEST(event.event_type == "job.failed");
  BOOST_TEST(event.chat_id == "chat-1");
  BOOST_TEST(event.msg == "it broke");
  BOOST_TEST(to_string(event.request_id) == "01900000-0000-7000-8000-000000000abc");
  BOOST_TEST(event.data ==
             R"({"job":"build","tries":3,"ok":false,"load":0.5,"list":[1,"a"],"map":{"k":2},)"
             R"("picortex.chat_id":"chat-1","severity_text":"ERROR",)"
             R"("trace_id":"01900000000070008000000000000abc","span_id":"00000000000000ff",)"
             R"("resource":{"service.name":"bot"},"scope":"app"})");
  BOOST_TEST((event.id.has_value() && event.id->bytes[6] >> 4 == 8));
}

BOOST_AUTO_TEST_CASE(what_a_record_does_not_say_has_a_default) {
  BOOST_TEST(decode_json(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]})") == "");
  BOOST_TEST(only().time_ms == kNow);
  BOOST_TEST(bool(only().level == Level::info));
  BOOST_TEST(only().event_type == "otel.log");
  BOOST_TEST(only().msg == "");
  BOOST_TEST(only().data == "");
  BOOST_TEST(bool(only().request_id == context.request_id));
}

BOOST_AUTO_TEST_CASE(levels_come_from_the_number_and_else_from_the_text) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("severityNumber":1)", "trace"},
      {R"("severityNumber":8)", "debug"},
      {R"("severityNumber":9)", "info"},
      {R"("severityNumber":13)", "warn"},
      {R"("severityNumber":20)", "error"},
      {R"("severityNumber":24)", "fatal"},
      {R"("severityText":"WARNING")", "warn"},
      {R"("severityNumber":25)", "info"},
      {R"("severityNumber":-1,"severityText":"Error")", "error"},
      {R"("severityText":"odd")", "info"}};
  for (const auto& [members, level] : cases) {
    BOOST_TEST(decode_json(one_log(members)) == "");
    BOOST_TEST(level_label(only().level) == level, members);
  }
}

BOOST_AUTO_TEST_CASE(the_attribute_event_name_is_the_type_where_there_is_no_other) {
  const std::string named = R"("attributes":[{"key":"event.name","value":{"stringValue":"a.b"}}])";
  BOOST_TEST(decode_json(one_log(named)) == "");
  BOOST_TEST(only().event_type == "a.b");
  BOOST_TEST(decode_json(one_log(named + R"(,"eventName":"c")")) == "");
  BOOST_TEST(only().event_type == "c");
  for (const std::string& bad : {std::string(129, 'x'), std::string("a\\nb")}) {
    BOOST_TEST(decode_json(one_log(R"("eventName":")" + bad + "\"")) == "");
    BOOST_TEST(only().event_type == "otel.log");
    BOOST_TEST(only().data.starts_with("{\"event_name\":"));
  }
}

BOOST_AUTO_TEST_CASE(a_claim_has_no_other_type_and_says_so) {
  context.is_claimed = true;
  for (const char* name : {"linq.inbound", "otel.log", "otel.other", "egress.denied"}) {
    BOOST_TEST(decode_json(one_log(R"("eventName":")" + std::string(name) + "\"")) == "");
    BOOST_TEST(only().event_type == "otel.log");
    BOOST_TEST(only().data.starts_with(R"({"claimed":true,"event_name":")"), only().data);
  }
  // The member cannot be given another value.
  BOOST_TEST(decode_json(
                 one_log(R"("attributes":[{"key":"claimed","value":{"boolValue":false}}])")) == "");
  BOOST_TEST(only().data == R"({"claimed":true,"attribute.claimed":false,"scope":"app"})");
}

BOOST_AUTO_TEST_CASE(the_request_is_the_attribute_else_a_trace_of_version_7) {
  const std::string request = "01999999-0000-7000-8000-000000000001";
  const std::string named =
      attribute("picortex.request_id", "{\"stringValue\":\"" + request + "\"}");
  BOOST_TEST(decode_json(one_log(R"("traceId":"01900000000070008000000000000abc")", named)) == "");
  BOOST_TEST(to_string(only().request_id) == request);
  BOOST_TEST(decode_json(one_log(R"("attributes":[)" + named + "]")) == "");
  BOOST_TEST(to_string(only().request_id) == request);
  for (const char* trace : {"01900000000040008000000000000abc", "11900000000070008000000000000abc",
                            "01900000000070000000000000000abc", ""}) {
    BOOST_TEST(decode_json(one_log(R"("traceId":")" + std::string(trace) + "\"")) == "");
    BOOST_TEST(bool(only().request_id == context.request_id), trace);
  }
}

BOOST_AUTO_TEST_CASE(the_same_record_has_the_same_id_and_equal_ones_of_a_body_are_several) {
  const std::string record = R"({"timeUnixNano":"1795880745255000000","body":{"stringValue":"x"}})";
  const std::string other = R"({"timeUnixNano":"1795880745255000001","body":{"stringValue":"x"}})";
  const auto body = [&](std::initializer_list<std::string> records) {
    std::string list;
    for (const std::string& each : records) list += (list.empty() ? "" : ",") + each;
    return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + list + "]}]}]}";
  };
  const auto ids = [&](const std::string& text) {
    BOOST_TEST(decode_json(text) == "");
    std::vector<Uuid> found;
    for (const Event& event : batch.events()) found.push_back(*event.id);
    return found;
  };
  const auto first = ids(body({record, other, record, record}));
  BOOST_TEST(bool(std::set(first.begin(), first.end()).size() == 4));
  BOOST_TEST(bool(ids(body({record, other, record, record})) == first));
  BOOST_TEST(bool(ids(body({record}))[0] == first[0]));
}

BOOST_AUTO_TEST_CASE(a_record_outside_of_what_is_kept_is_rejected_and_counted) {
  context.accepted = {.oldest_by_age_ms = 1'700'000'000'000, .newest_ms = kNow + 86'400'000};
  for (const char* time : {"1600000000000000000", "1995880745255000000", "18446744073709551615"}) {
    decode_json(one_log(R"("timeUnixNano":")" + std::string(time) + "\""));
    BOOST_TEST(batch.events().empty(), time);
  }
  BOOST_TEST(decode_json(one_log(R"("timeUnixNano":"1600000000000000000")")) == "");
  BOOST_TEST(receiver.records() == 1u);
  BOOST_TEST(receiver.rejected() == 1u);
}

BOOST_AUTO_TEST_CASE(a_span_becomes_an_event_at_its_start) {
  BOOST_TEST(
      decode_json(
          R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"GET /",)"
          R"("traceId":"01900000000070008000000000000abc","spanId":"0000000000000001",)"
          R"("parentSpanId":"0000000000000002","kind":3,"startTimeUnixNano":"1795880745255000000",)"
          R"("endTimeUnixNano":"1795880745300000000","status":{"code":2,"message":"no"},)"
          R"("attributes":[{"key":"http.status","value":{"intValue":500}}]}]}]}]})",
          OtlpSignal::traces) == "");
  BOOST_TEST(only().event_type == "otel.span");
  BOOST_TEST(only().time_ms == 1'795'880'745'255);
  BOOST_TEST(bool(only().level == Level::error));
  BOOST_TEST(only().msg == "GET /");
  BOOST_TEST(only().data ==
             R"({"http.status":500,"duration_ms":45,"span_kind":3,"status_message":"no",)"
             R"("trace_id":"01900000000070008000000000000abc","span_id":"0000000000000001",)"
             R"("parent_span_id":"0000000000000002"})");
}

BOOST_AUTO_TEST_CASE(data_points_are_counted_only) {
  BOOST_TEST(
      decode_json(
          R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[)"
          R"({"name":"a","sum":{"aggregationTemporality":1,"dataPoints":[{"asInt":"5"},{"asDouble":1.5}]}},)"
          R"({"name":"b","gauge":{"dataPoints":[{"asDouble":"NaN"}]}},)"
          R"({"name":"c","histogram":{"dataPoints":[{"count":"3","bucketCounts":["1","2"]}]}}]}]}]})",
          OtlpSignal::metrics) == "");
  BOOST_TEST(batch.events().empty());
  BOOST_TEST(receiver.records() == 4u);
}

BOOST_AUTO_TEST_CASE(what_is_large_or_hostile_is_bounded_and_stays_json) {
  std::string attributes;
  for (int i = 0; i < 250; ++i) {
    attributes += attribute("k" + std::to_string(i),
                            "{\"stringValue\":\"" + std::string(2000, '\x7f') + "\"}") +
                  ",";
  }
  attributes +=
      attribute("__proto__", R"({"stringValue":"p"})") + "," + attribute("k0", R"({"intValue":1})");
  BOOST_TEST(
      decode_json(one_log("\"attributes\":[" + attributes + "],\"body\":{\"stringValue\":\"" +
                              std::string(100'000, 'b') + "\"}",
                          attributes)) == "");
  BOOST_TEST(only().msg.size() == kOtlpTextSizeMax);
  BOOST_TEST(only().data.size() < 200'000u);
  simdjson::dom::parser parser;
  simdjson::dom::element parsed;
  BOOST_TEST(bool(parser.parse(only().data).get(parsed) == simdjson::SUCCESS));
  BOOST_TEST(only().data.find("\"attributes_left_out\":") != std::string_view::npos);
  BOOST_TEST(only().data.find("\"__proto__\"") == std::string_view::npos);
}

BOOST_AUTO_TEST_SUITE_END()
