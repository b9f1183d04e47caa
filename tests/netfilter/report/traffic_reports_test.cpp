#include "netfilter/report/traffic_reports.h"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace picortex;

namespace {

struct Report {
  EgressRecord record;
  std::string rule;
  std::string host;
  EgressTraffic traffic;
};

struct TrafficReportsFixture {
  void take(EgressRecord& record, std::string_view rule, const EgressTraffic& traffic) noexcept {
    all.push_back({record, std::string(rule), std::string(traffic.host), traffic});
  }
  static EndedConnection ended(const std::string& host, std::int64_t up, std::int64_t down) {
    EndedConnection connection;
    connection.known.host = host;
    connection.known.executable = "/usr/bin/curl";
    connection.known.client_pid = 4711;
    connection.known.rule = host;
    connection.address = "93.184.0.1";
    connection.port = 443;
    connection.protocol = 6;
    connection.is_counted = true;
    connection.bytes_up = up;
    connection.bytes_down = down;
    connection.duration_ms = 1500;
    return connection;
  }
  std::int64_t sum_up() const {
    std::int64_t sum = 0;
    for (const Report& report : all) sum += report.traffic.bytes_up;
    return sum;
  }

  std::vector<Report> all;
  TrafficReports reports{TrafficReports::ReportCallback::to<&TrafficReportsFixture::take>(*this)};
};

bool has(const Report& report, std::string_view part) {
  return report.record.data.find(part) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(traffic_reports, TrafficReportsFixture)

BOOST_AUTO_TEST_CASE(the_first_end_is_reported_at_once_with_all_that_is_known) {
  reports.add(ended("a.test", 100, 200), 0);
  BOOST_REQUIRE(all.size() == 1u);
  BOOST_TEST(all[0].record.event_type == "egress.closed");
  BOOST_TEST(all[0].record.message == "closed a.test:443: 100 bytes up, 200 bytes down");
  BOOST_TEST(all[0].record.data ==
             R"({"host":"a.test","address":"93.184.0.1","port":443,"protocol":"tcp",)"
             R"("connections":1,"bytes_up":100,"bytes_down":200,"duration_ms":1500,)"
             R"("rule":"a.test","client_pid":4711,"executable":"/usr/bin/curl",)"
             R"("id_source":"none"})");
  BOOST_TEST(all[0].rule == "a.test");
  BOOST_TEST(all[0].host == "a.test");
  BOOST_TEST(all[0].traffic.bytes_up == 100);
  BOOST_TEST(!all[0].traffic.has_turn);
  reports.expire(TrafficReports::kWindowMs);
  BOOST_TEST(all.size() == 1u);
}

BOOST_AUTO_TEST_CASE(those_that_follow_within_a_minute_are_one_report_with_their_sums) {
  for (int i = 0; i < 10; ++i) reports.add(ended("a.test", 100 + i, 1000), i);
  reports.expire(TrafficReports::kWindowMs - 1);
  BOOST_TEST(all.size() == 1u);
  reports.expire(TrafficReports::kWindowMs);
  BOOST_REQUIRE(all.size() == 2u);
  BOOST_TEST(all[1].traffic.connections == 9);
  BOOST_TEST(all[1].traffic.bytes_down == 9000);
  BOOST_TEST(sum_up() == 1045);
  BOOST_TEST(has(all[1], R"("connections":9,"bytes_up":945,"bytes_down":9000,)"));
  // These are facts of single connections.
  BOOST_TEST(!has(all[1], "duration_ms"));
  BOOST_TEST(!has(all[1], "client_pid"));
  // The next minute begins with a report at once.
  reports.add(ended("a.test", 1, 1), TrafficReports::kWindowMs);
  BOOST_TEST(all.size() == 3u);
}

BOOST_AUTO_TEST_CASE(hosts_turns_and_executables_are_reported_apart) {
  EndedConnection other = ended("a.test", 1, 1);
  other.known.ids.request_id.bytes[0] = 7;
  other.known.ids.chat_id = "chat";
  EndedConnection another = ended("a.test", 1, 1);
  another.known.executable = "/usr/bin/git";
  for (const EndedConnection& one :
       {ended("a.test", 1, 1), ended("b.test", 1, 1), other, another}) {
    reports.add(one, 0);
  }
  BOOST_REQUIRE(all.size() == 4u);
  BOOST_TEST(all[2].traffic.has_turn);
  BOOST_TEST(bool(all[2].record.ids.request_id == other.known.ids.request_id));
  BOOST_TEST(all[2].record.ids.chat_id == "chat");
}

BOOST_AUTO_TEST_CASE(beyond_the_places_the_sums_are_still_those_of_all) {
  constexpr int kHosts = 10 * TrafficReports::kPlacesMax;
  for (int i = 0; i < kHosts; ++i) {
    reports.add(ended("h" + std::to_string(i) + ".test", 10, 20), 0);
  }
  BOOST_TEST(all.size() == TrafficReports::kPlacesMax);
  reports.expire(TrafficReports::kWindowMs);
  BOOST_REQUIRE(all.size() == TrafficReports::kPlacesMax + 1);
  BOOST_TEST(all.back().host == "");
  BOOST_TEST(has(all.back(), R"("folded":"*")"));
  BOOST_TEST(sum_up() == 10 * kHosts);
}

BOOST_AUTO_TEST_CASE(what_was_not_counted_is_not_reported_as_nothing) {
  EndedConnection uncounted = ended("a.test", 0, 0);
  uncounted.is_counted = false;
  reports.add(uncounted, 0);
  BOOST_TEST(!has(all[0], "bytes_up"));
  BOOST_TEST(has(all[0], R"("uncounted":1)"));
  reports.add(uncounted, 0);
  reports.add(ended("a.test", 5, 6), 0);
  reports.expire(TrafficReports::kWindowMs);
  BOOST_TEST(has(all[1], R"("connections":2,"bytes_up":5,"bytes_down":6,"uncounted":1,)"));
}

BOOST_AUTO_TEST_SUITE_END()
