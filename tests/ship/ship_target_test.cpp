#include "ship/ship_target.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace picortex {

BOOST_AUTO_TEST_SUITE(ship_target)

namespace {

ShipTarget parsed(std::string_view text) {
  auto target = ShipTarget::parse(text);
  if (!target) BOOST_FAIL(target.error().what);
  return *std::move(target);
}

std::string rejected(std::string_view text) {
  const auto target = ShipTarget::parse(text);
  if (target) BOOST_FAIL("took " + std::string(text));
  return target.error().what;
}

BOOST_AUTO_TEST_CASE(a_clickhouse_target_has_its_defaults) {
  const ShipTarget target = parsed("clickhouse+http://127.0.0.1:8123");
  BOOST_TEST(target.origin == "http://127.0.0.1:8123");
  BOOST_TEST(target.database == "default");
  BOOST_TEST(target.table == "picortex_events");
  BOOST_TEST(target.batch_max == 10'000);
  BOOST_TEST(target.url() == "http://127.0.0.1:8123/");
  BOOST_TEST(target.shown == "clickhouse+http://127.0.0.1:8123/default?table=picortex_events");
}

BOOST_AUTO_TEST_CASE(own_parameters_are_taken_and_the_others_are_sent) {
  const ShipTarget target = parsed(
      "clickhouse+https://ship:p%40ss@ch.example:8443/logs?table=events&batch=500&"
      "insert_quorum=2&header=X-Key:%20abc&ca=/etc/ca.pem");
  BOOST_TEST(target.user == "ship");
  BOOST_TEST(target.password == "p@ss");
  BOOST_TEST(target.database == "logs");
  BOOST_TEST(target.table == "events");
  BOOST_TEST(target.batch_max == 500);
  BOOST_TEST(target.query == "insert_quorum=2");
  BOOST_REQUIRE(target.headers.size() == 1);
  BOOST_TEST(target.headers[0] == "X-Key: abc");
  BOOST_TEST(target.ca_file == "/etc/ca.pem");
  BOOST_TEST(target.url("a=b") == "https://ch.example:8443/?insert_quorum=2&a=b");
}

BOOST_AUTO_TEST_CASE(otlp_and_ndjson_keep_their_paths) {
  BOOST_TEST(parsed("otlp+http://collector:4318").path == "/v1/logs");
  BOOST_TEST(parsed("otlp+http://collector:4318/x/v1/logs").path == "/x/v1/logs");
  BOOST_TEST(parsed("ndjson+https://h/v1/datasets/d/ingest?timestamp-field=time").url() ==
             "https://h/v1/datasets/d/ingest?timestamp-field=time");
  BOOST_TEST(parsed("ndjson+http://[::1]:9428/insert/jsonline?_stream_fields=host,level").origin ==
             "http://[::1]:9428");
}

BOOST_AUTO_TEST_CASE(the_directory_is_the_same_whatever_the_credentials) {
  const std::string name = parsed("clickhouse+http://a:b@h/d").name;
  BOOST_TEST(name == parsed("clickhouse+http://c:d@H/d?header=x:y&batch=3").name);
  BOOST_TEST(name != parsed("clickhouse+http://h/d?table=other").name);
  BOOST_TEST(name != parsed("clickhouse+http://h/other").name);
  BOOST_TEST(name.starts_with("clickhouse-h-"));
  BOOST_TEST(parsed("ndjson+http://h/x?set=1").name != parsed("ndjson+http://h/x?set=2").name);
  // A name of a version before must stay what it is: positions are kept under it.
  BOOST_TEST(parsed("otlp+http://[::1]:4318").name == "otlp----1--4318-977914abfacd5580");
}

BOOST_AUTO_TEST_CASE(nothing_hostile_gets_through) {
  for (const char* const text : {"",
                                 "http://h",
                                 "clickhouse://h",
                                 "clickhouse+http://",
                                 "clickhouse+http://h:0",
                                 "clickhouse+http://h:70000",
                                 "clickhouse+http://h:x",
                                 "clickhouse+http://h/a`b",
                                 "clickhouse+http://h/a%60b",
                                 "clickhouse+http://h/d?table=a`b",
                                 "clickhouse+http://h/d?table=1a",
                                 "clickhouse+http://h/d?table=a%3Bb",
                                 "ndjson+http://h/a b",
                                 "ndjson+http://h/a\nb",
                                 "ndjson+http://h/\x80",
                                 "ndjson+http://h/#x",
                                 "ndjson+http://h?batch=0",
                                 "ndjson+http://h?batch=100001",
                                 "ndjson+http://h?header=x",
                                 "ndjson+http://h?header=:x",
                                 "ndjson+http://h?header=a%0d%0ab:c",
                                 "ndjson+http://h?header=a:b%0d%0ac:d",
                                 "ndjson+http://h?x=%zz",
                                 "ndjson+http://h?ca=%00",
                                 "ndjson+http://u%0a:p@h",
                                 "ndjson+http://u%3av:p@h",
                                 "ndjson+http://h_\"",
                                 "ndjson+http://[::1",
                                 "ndjson+http://a@"}) {
    BOOST_TEST(rejected(text).starts_with("the target is not allowed: "), text);
  }
  BOOST_TEST(rejected("ndjson+http://h/" + std::string(4000, 'a')).ends_with("4000 bytes"));
}

BOOST_AUTO_TEST_CASE(no_error_and_no_name_shows_a_secret) {
  BOOST_TEST(rejected("ndjson+http://u:secret@h:x").find("secret") == std::string::npos);
  const ShipTarget target =
      parsed("ndjson+http://u:secret@h/p?header=Authorization:secret&t=secret");
  BOOST_TEST(target.shown.find("secret") == std::string::npos);
  BOOST_TEST(target.name.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(percent_encoding_leaves_only_unreserved_characters) {
  BOOST_TEST(percent_encoded("a-._~ `\n\xff") == "a-._~%20%60%0A%FF");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace picortex
