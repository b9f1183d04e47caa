#include <boost/test/unit_test.hpp>
#include <protozero/pbf_reader.hpp>
#include <string>

#include "base/time/timestamp.h"
#include "ship/encode/event_encoder.h"
#include "ship/encode/json_encoders.h"
#include "ship/encode/otlp_encoder.h"
#include "storage/event_id.h"

namespace picortex {

BOOST_AUTO_TEST_SUITE(encoders)

namespace {

EventRow some_row() {
  EventRow row;
  row.time_ms = 1'794'924'000'123;
  row.key = first_key_of(row.time_ms) + 5;
  row.id = *parse_uuid("019a2222-0000-7003-8000-000000000003");
  row.request_id = *parse_uuid("019a1111-0000-7002-8000-000000000002");
  row.level = Level::warn;
  row.event_type = "bot.error";
  row.chat_id = "chat-x";
  row.msg = "two\nlines";
  row.data = R"({"n":1,"big":18446744073709551615,"list":[true,null],"o":{"k":"v"}})";
  return row;
}

std::string encoded(ShipTarget::Kind kind, const EventRow& row) {
  std::string out;
  make_encoder(kind, "host-a")->append(out, row);
  return out;
}

BOOST_AUTO_TEST_CASE(a_clickhouse_row_has_the_columns_of_the_table) {
  BOOST_TEST(encoded(ShipTarget::Kind::clickhouse, some_row()) ==
             R"({"host":"host-a","time":1794924000,"time_ms":1794924000123,"sequence":5,)"
             R"("event_id":"019a2222-0000-7003-8000-000000000003","level":"warn",)"
             R"("event_type":"bot.error","chat_id":"chat-x",)"
             R"("request_id":"019a1111-0000-7002-8000-000000000002","msg":"two\nlines",)"
             R"("data":"{\"n\":1,\"big\":18446744073709551615,\"list\":[true,null],)"
             R"(\"o\":{\"k\":\"v\"}}"})"
             "\n");
}

BOOST_AUTO_TEST_CASE(a_partition_is_a_month_and_a_datetime_ends_in_2106) {
  ClickHouseEncoder encoder("h");
  EventRow row = some_row();
  BOOST_TEST(encoder.group_of(row) == 202611);
  row.time_ms = 0;
  BOOST_TEST(encoder.group_of(row) == 197001);
  row.time_ms = kLatestUnixMs;
  BOOST_TEST(encoder.group_of(row) == 210602);
  BOOST_TEST(clickhouse_seconds(row.time_ms) == 0xffff'ffff);
}

BOOST_AUTO_TEST_CASE(a_line_of_ndjson_has_the_data_as_an_object) {
  BOOST_TEST(encoded(ShipTarget::Kind::ndjson, some_row()) ==
             R"({"time":"2026-11-17T14:00:00.123Z","host":"host-a",)"
             R"("id":"019a2222-0000-7003-8000-000000000003","level":"warn",)"
             R"("event_type":"bot.error","request_id":"019a1111-0000-7002-8000-000000000002",)"
             R"("chat_id":"chat-x","msg":"two\nlines",)"
             R"("data":{"n":1,"big":18446744073709551615,"list":[true,null],"o":{"k":"v"}}})"
             "\n");
}

BOOST_AUTO_TEST_CASE(data_that_is_no_object_cannot_break_a_line) {
  EventRow row = some_row();
  row.chat_id.clear();
  row.data = "[1]\n}";
  BOOST_TEST(encoded(ShipTarget::Kind::ndjson, row)
                 .ends_with(R"("chat_id":null,"msg":"two\nlines","data":"[1]\n}"})"
                            "\n"));
  row.data.clear();
  BOOST_TEST(encoded(ShipTarget::Kind::ndjson, row).ends_with("\"data\":null}\n"));
}

BOOST_AUTO_TEST_CASE(an_otlp_request_is_made_of_its_records) {
  OtlpEncoder encoder("host-a");
  std::string records;
  encoder.append(records, some_row());
  encoder.append(records, some_row());
  std::string scratch;
  const std::string body(encoder.body(records, scratch));
  protozero::pbf_reader request(body);
  BOOST_REQUIRE(request.next(1));
  protozero::pbf_reader resource_logs = request.get_message();
  BOOST_TEST(!request.next());
  BOOST_REQUIRE(resource_logs.next(1));
  resource_logs.skip();
  BOOST_REQUIRE(resource_logs.next(2));
  protozero::pbf_reader scope_logs = resource_logs.get_message();
  int count = 0;
  while (scope_logs.next()) {
    if (scope_logs.tag() != 2) {
      scope_logs.skip();
      continue;
    }
    ++count;
    protozero::pbf_reader record = scope_logs.get_message();
    std::string name;
    std::string trace;
    std::uint64_t time = 0;
    while (record.next()) {
      if (record.tag() == 12) {
        name = record.get_string();
      } else if (record.tag() == 9) {
        trace = record.get_bytes();
      } else if (record.tag() == 1) {
        time = record.get_fixed64();
      } else {
        record.skip();
      }
    }
    BOOST_TEST(name == "bot.error");
    BOOST_TEST(trace.size() == 16);
    BOOST_TEST(time == 1'794'924'000'123'000'000u);
  }
  BOOST_TEST(count == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace picortex
