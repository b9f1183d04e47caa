#include "handlers/alerts/alert_watch.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/time/durations.h"
#include "handlers/ops/health_watch.h"

using namespace picortex;

namespace {

constexpr std::int64_t kSecond = 1'000;

struct AlertWatchFixture {
  void adopt(std::initializer_list<const char*> texts) {
    std::vector<AlertRule> rules;
    for (const char* text : texts) rules.push_back(*parse_alert_rule(text));
    watch.adopt(std::move(rules), now);
  }
  void store(int count, Level level = Level::error) {
    Event event;
    event.event_type = "test.event";
    event.level = level;
    for (int i = 0; i < count; ++i) watch.append(event);
    publish();
  }
  void publish() { watch.publish({Instant(std::chrono::milliseconds(now)), 0}); }
  // The counts, or the seconds of silence, of what was reported.
  std::vector<std::uint64_t> look() {
    std::vector<std::uint64_t> reported;
    watch.look(now, [&](const AlertRule& rule, const AlertFinding& finding) {
      reported.push_back(rule.trigger == AlertRule::Trigger::rate
                             ? finding.count
                             : static_cast<std::uint64_t>(finding.silent_ms / kSecond));
    });
    return reported;
  }
  bool reports(std::uint64_t what) { return look() == std::vector{what}; }

  AlertWatch watch;
  std::int64_t now = 1'000 * kMinuteMs;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(alert_watch, AlertWatchFixture)

BOOST_AUTO_TEST_CASE(a_rate_is_reported_once_more_events_came_than_it_allows) {
  adopt({"level=error rate>10/5m"});
  store(10);
  BOOST_TEST(look().empty());
  store(5, Level::warn);
  BOOST_TEST(look().empty());
  store(1);
  BOOST_TEST(reports(11));
}

BOOST_AUTO_TEST_CASE(events_leave_the_window) {
  adopt({"level=error rate>10/5m"});
  store(8);
  now += 4 * kMinuteMs;
  store(2);
  now += 59 * kSecond;
  BOOST_TEST(look().empty());
  now += 7 * kSecond;  // the eight are too old now
  store(8);
  BOOST_TEST(look().empty());
  store(1);
  BOOST_TEST(reports(11));
  now += 60 * kMinuteMs;
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(a_rate_is_reported_again_after_its_cooldown_if_it_continues) {
  adopt({"level=error rate>0/1m cooldown=10m"});
  store(1);
  BOOST_TEST(reports(1));
  for (int minute = 1; minute < 10; ++minute) {
    now += kMinuteMs;
    store(1);
    BOOST_TEST(look().empty());
  }
  now += kMinuteMs;
  store(2);
  BOOST_TEST(look().size() == 1u);
  now += 10 * kMinuteMs;
  BOOST_TEST(look().empty());  // nothing came meanwhile
}

BOOST_AUTO_TEST_CASE(a_silence_is_reported_once_until_it_is_broken) {
  adopt({"event_type=test.* silent>1h cooldown=10m"});
  now += 60 * kMinuteMs;
  BOOST_TEST(look().empty());
  now += kSecond;
  BOOST_TEST(reports(3601));
  now += 24 * 60 * kMinuteMs;
  BOOST_TEST(look().empty());
  store(1);
  now += 59 * kMinuteMs;
  BOOST_TEST(look().empty());
  now += 2 * kMinuteMs;
  BOOST_TEST(reports(61 * 60));
}

BOOST_AUTO_TEST_CASE(a_silence_too_keeps_its_cooldown) {
  adopt({"event_type=test.* silent>10s cooldown=1h"});
  now += 11 * kSecond;
  BOOST_TEST(look().size() == 1u);
  store(1);
  now += 11 * kSecond;
  BOOST_TEST(look().empty());
  now += 60 * kMinuteMs;
  BOOST_TEST(look().size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_was_rolled_back_does_not_count) {
  adopt({"level=error rate>0/1m"});
  Event event;
  event.event_type = "test.event";
  event.level = Level::error;
  watch.append(event);
  watch.discard();
  publish();
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(the_same_rules_continue_counting_and_others_restart) {
  adopt({"level=error rate>2/1m"});
  store(2);
  adopt({"level=error rate>2/1m"});
  store(1);
  BOOST_TEST(reports(3));
  adopt({"level=error rate>2/1m", "level=warn rate>2/1m"});
  BOOST_TEST(look().empty());
  BOOST_TEST(watch.size() == 2u);
}

BOOST_AUTO_TEST_CASE(degraded_health_is_reported_after_a_delay_and_its_end_at_once) {
  HealthWatch health;
  using Change = HealthWatch::Change;
  BOOST_TEST(!health.look(true, now).has_value());
  BOOST_TEST(!health.look(false, now).has_value());
  BOOST_TEST(!health.look(false, now + 29 * kSecond).has_value());
  BOOST_TEST(!health.look(true, now + 30 * kSecond).has_value());
  now += 60 * kSecond;
  BOOST_TEST(!health.look(false, now).has_value());
  BOOST_TEST((health.look(false, now + 30 * kSecond) == Change::degraded));
  BOOST_TEST(!health.look(false, now + 3000 * kSecond).has_value());
  BOOST_TEST((health.look(true, now + 3001 * kSecond) == Change::ok));
  BOOST_TEST(!health.look(true, now + 3002 * kSecond).has_value());
}

BOOST_AUTO_TEST_CASE(health_that_flutters_is_not_reported_each_time) {
  HealthWatch health;
  int reported = 0;
  for (int i = 0; i < 60; ++i) {  // 31 s degraded, 1 s well
    reported += health.look(false, now) == HealthWatch::Change::degraded ? 1 : 0;
    reported += health.look(false, now + 31 * kSecond) == HealthWatch::Change::degraded ? 1 : 0;
    health.look(true, now + 32 * kSecond);
    now += 33 * kSecond;
  }
  BOOST_TEST(reported == 6);  // in 33 minutes
}

BOOST_AUTO_TEST_SUITE_END()
