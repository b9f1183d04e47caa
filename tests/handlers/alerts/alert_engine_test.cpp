#include "handlers/alerts/alert_engine.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/time/timestamp.h"
#include "storage/event_id.h"
#include "tests/support/http_fixture.h"
#include "tests/support/scripted_loop.h"
#include "tests/support/scripted_worker.h"

using namespace picortex;
using test::Request;
using test::ScriptedWorker;

namespace {

using std::chrono::seconds;

// Keeps what the engine stores.
struct Rows final : EventSink {
  void store(const Event& event) noexcept override {
    types.emplace_back(event.event_type);
    data.emplace_back(event.data);
    levels.push_back(event.level);
    requests.push_back(event.request_id);
    times.push_back(event.time_ms);
  }

  std::vector<std::string> types;
  std::vector<std::string> data;
  std::vector<Level> levels;
  std::vector<Uuid> requests;
  std::vector<std::int64_t> times;
};

// The tmux probe never runs, so health is degraded from the start.
struct EngineFixture : test::ScriptedLoop {
  EngineFixture() {
    ScriptedWorker::holds_jobs = false;
    writer.open();
    BOOST_REQUIRE(writer.is_available());
    engine.start();
  }
  ~EngineFixture() {
    engine.stop();
    writer.close();
    iterate(5);
    output.abandon();
    reactor->iterate();
  }

  void rule(std::string_view text) {
    auto parsed = parse_alert_rule(text);
    BOOST_REQUIRE(parsed.has_value());
    engine.set_rules({*parsed});
  }
  void happen(std::string_view type, Level level) {
    Event event;
    event.time_ms = reactor->unix_ms();
    event.event_type = type;
    event.level = level;
    feed.append(event, {first_key_of(event.time_ms) + sequence++, 1});
    feed.publish();
  }
  void pass_seconds(int count) {
    for (int i = 0; i < count; ++i) pass(seconds(1));
  }
  std::string logged() {
    log.flush();
    return script.is_asked(Request::Kind::write) ? script.request(Request::Kind::write).bytes : "";
  }

  test::TemporaryDirectory directory;
  Output output{*reactor, 1, 65536};
  Log log{*reactor, output, {}};
  EventFeed feed{*reactor};
  std::unique_ptr<Worker> worker = *Worker::start(*reactor);
  EventWriter writer{*reactor, log, feed, *worker, directory.path, Durability::process};
  TmuxProbe probe{*reactor, log, ""};
  AlertCommand command{*reactor, log, ""};
  SpendingLedger ledger;
  Rows rows;
  AlertEngine engine{*reactor, log, feed, writer, probe, output, rows, command, ledger};
  std::int64_t sequence = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(alert_engine, EngineFixture)

BOOST_AUTO_TEST_CASE(without_rules_and_command_health_is_not_checked) {
  pass_seconds(120);
  BOOST_TEST(rows.types.empty());
}

BOOST_AUTO_TEST_CASE(degraded_health_is_reported_once_after_it_has_settled) {
  rule("level=fatal rate>1000/5m");
  pass_seconds(29);
  BOOST_TEST(rows.types.empty());
  pass_seconds(91);
  BOOST_TEST(rows.types == std::vector<std::string>{"alert.health"},
             boost::test_tools::per_element());
  BOOST_TEST(rows.data.front() == R"({"status":"degraded","db_ok":true,"tmux_ok":false})");
  BOOST_TEST((rows.levels.front() == Level::warn));
}

BOOST_AUTO_TEST_CASE(a_rate_beyond_a_rule_is_a_row_and_a_line_under_one_request_id) {
  rule("level=error rate>2/5m");
  for (int i = 0; i < 3; ++i) happen("bot.failed", Level::error);
  happen("bot.started", Level::info);
  pass_seconds(1);
  BOOST_REQUIRE(rows.types.size() == 1u);
  BOOST_TEST(rows.types.front() == "alert.rate");
  BOOST_TEST(rows.data.front() == R"({"rule":"level=error rate>2/5m","count":3})");
  const std::string line = logged();
  BOOST_TEST(line.find("\"event_type\":\"alert.rate\"") != line.npos);
  BOOST_TEST(line.find(to_string(rows.requests.front())) != line.npos);
}

BOOST_AUTO_TEST_CASE(a_rate_that_stays_is_reported_again_after_its_cooldown_only) {
  rule("level=error rate>2/5m cooldown=10m");
  for (int i = 0; i < 3; ++i) happen("bot.failed", Level::error);
  pass_seconds(20);
  for (int i = 0; i < 3; ++i) happen("bot.failed", Level::error);
  pass_seconds(5);
  BOOST_TEST(rows.types == std::vector<std::string>{"alert.rate"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(silence_is_reported_and_armed_again_by_the_next_event) {
  rule("event_type=linq.* silent>1m cooldown=1m");
  pass_seconds(62);
  const auto silences = [this] { return std::ranges::count(rows.types, "alert.silent"); };
  BOOST_TEST(silences() == 1);
  happen("linq.inbound", Level::info);
  pass_seconds(30);
  BOOST_TEST(silences() == 1);
  pass_seconds(32);
  BOOST_TEST(silences() == 2);
}

BOOST_AUTO_TEST_CASE(what_an_operator_says_after_an_error_has_returned_counts) {
  const std::int64_t resolved_ms = reactor->unix_ms() - 60'000;
  feed.note_opened({}, {{0xabc, {resolved_ms, ErrorState::resolved}}});
  Event event;
  event.time_ms = resolved_ms + 5;
  event.event_type = "bot.error";
  event.level = Level::error;
  event.error_group = 0xabc;
  feed.append(event, {first_key_of(event.time_ms), 1});
  feed.publish();
  const std::int64_t stored_ms = reactor->unix_ms();
  pass_seconds(2);
  BOOST_REQUIRE(rows.types.back() == "error.state");
  BOOST_TEST(rows.times.back() == stored_ms);
}

BOOST_AUTO_TEST_CASE(a_resolved_error_that_comes_again_is_a_row_and_sets_its_state) {
  const std::int64_t resolved_ms = reactor->unix_ms() + 60'000;  // of a client whose clock is fast
  engine.set_rules({*parse_alert_rule("event_type=error.* rate>0/5m")});
  feed.note_opened({}, {{0xabc, {resolved_ms, ErrorState::resolved}}});
  Event event;
  event.time_ms = resolved_ms + 5;
  event.event_type = "bot.error";
  event.chat_id = "chat-1";
  event.level = Level::error;
  event.msg = "boom\n  at f";
  event.error_group = 0xabc;
  event.request_id.bytes[0] = 9;
  for (int i = 0; i < 2; ++i) {
    feed.append(event, {first_key_of(event.time_ms) + i, 1});
    feed.publish();
  }
  pass_seconds(2);
  BOOST_TEST(rows.types == std::vector<std::string>({"error.returned", "error.state"}),
             boost::test_tools::per_element());
  BOOST_TEST((rows.levels.front() == Level::warn));
  BOOST_TEST(rows.data.front() ==
             R"({"fingerprint":"0000000000000abc","resolved_at":")" + iso_time(resolved_ms) +
                 R"(","returned_at":")" + iso_time(resolved_ms + 5) + R"(","error_event":")" +
                 to_string(event_id({first_key_of(event.time_ms), 1})) + "\"}");
  BOOST_TEST(rows.data.back() == R"({"fingerprint":"0000000000000abc","state":"returned"})");
  BOOST_TEST(rows.times.back() == resolved_ms + 1);
  BOOST_TEST((rows.requests.front() == event.request_id));
  const std::string line = logged();
  BOOST_TEST(line.find("a resolved error has come again: boom\"") != line.npos);
  BOOST_TEST(line.find("\"chat_id\":\"chat-1\"") != line.npos);
}

BOOST_AUTO_TEST_CASE(a_stopped_engine_reports_nothing) {
  rule("level=error rate>2/5m");
  for (int i = 0; i < 3; ++i) happen("bot.failed", Level::error);
  engine.stop();
  pass_seconds(60);
  BOOST_TEST(rows.types.empty());
}

BOOST_AUTO_TEST_CASE(status_counts_rules_and_alerts) {
  rule("level=error rate>2/5m");
  for (int i = 0; i < 3; ++i) happen("bot.failed", Level::error);
  pass_seconds(1);
  std::string status;
  {
    JsonObject object(status);
    engine.append_status(object);
  }
  BOOST_TEST(status.find(R"("rules":1,"raised":1)") != status.npos, status);
}

BOOST_AUTO_TEST_SUITE_END()
