#include "handlers/alerts/ship_lag_watch.h"

#include <boost/test/unit_test.hpp>

#include "base/time/durations.h"

using namespace picortex;

namespace {

struct LagFixture {
  LagFixture() { adopt("ship.lag>10m cooldown=1h"); }

  void adopt(const char* text) { watch.adopt({*parse_alert_rule(text)}); }

  std::vector<std::string> look(std::vector<TargetLag> lags) {
    std::vector<std::string> seen;
    watch.look(lags, now_ms,
               [&](const AlertRule&, const TargetLag& lag) { seen.push_back(lag.target); });
    return seen;
  }

  ShipLagWatch watch;
  std::int64_t now_ms = 0;
};

using Seen = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ship_lag_watch, LagFixture)

BOOST_AUTO_TEST_CASE(each_late_target_is_reported_once_within_the_cooldown) {
  const std::vector<TargetLag> late{{"a", 5, 11 * kMinuteMs}, {"b", 5, 10 * kMinuteMs}};
  BOOST_TEST(look(late) == Seen{"a"});
  now_ms += kMinuteMs;
  BOOST_TEST(look(late) == Seen{});
  BOOST_TEST(look({{"a", 5, 12 * kMinuteMs}, {"b", 5, 11 * kMinuteMs}}) == Seen{"b"});
  now_ms += 59 * kMinuteMs;
  BOOST_TEST(look(late) == Seen{"a"});
}

BOOST_AUTO_TEST_CASE(a_target_that_was_up_to_date_in_between_is_reported_again_at_once) {
  BOOST_TEST(look({{"a", 5, 11 * kMinuteMs}}) == Seen{"a"});
  BOOST_TEST(look({{"a", 0, 0}}) == Seen{});
  BOOST_TEST(look({{"a", 5, 11 * kMinuteMs}}) == Seen{"a"});
}

BOOST_AUTO_TEST_CASE(the_same_rules_remember_what_they_reported_and_others_do_not) {
  BOOST_TEST(look({{"a", 5, 11 * kMinuteMs}}) == Seen{"a"});
  adopt("ship.lag>10m cooldown=1h");
  BOOST_TEST(look({{"a", 5, 11 * kMinuteMs}}) == Seen{});
  adopt("ship.lag>5m");
  BOOST_TEST(look({{"a", 5, 11 * kMinuteMs}}) == Seen{"a"});
}

BOOST_AUTO_TEST_SUITE_END()
