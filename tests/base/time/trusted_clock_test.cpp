#include "base/time/trusted_clock.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/scripted_clock.h"

using namespace picortex;

namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kNow = test::ScriptedClock::kStartUnixMs;

// A host whose wall clock can be set, and whose monotonic clock cannot.
struct Host {
  test::ScriptedClock host;
  TrustedClock clock{host.read(), kNow};
  int jumps = 0;
  std::int64_t last_jump_ms = 0;

  void pass(std::int64_t length_ms, std::int64_t step_ms = 1000) {
    for (std::int64_t passed = 0; passed < length_ms; passed += step_ms) {
      host.advance(std::chrono::milliseconds(step_ms));
      observe();
    }
  }
  void set(std::int64_t by_ms) {
    host.set_wall_by(by_ms);
    observe();
  }
  void observe() {
    const auto jump = clock.observe(host.read());
    if (!jump) return;
    ++jumps;
    last_jump_ms = *jump;
  }
  std::int64_t now() const { return clock.now_ms(host.read()); }
  bool disagrees() const { return clock.disagrees(host.read()); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(trusted_clock, Host)

BOOST_AUTO_TEST_CASE(a_clock_that_is_never_set_is_trusted) {
  pass(3 * kHour);
  BOOST_TEST(now() == kNow + 3 * kHour);
  BOOST_TEST(jumps == 0);
  BOOST_TEST(!disagrees());
}

BOOST_AUTO_TEST_CASE(a_step_ahead_and_back_moves_nothing) {
  for (const std::int64_t by : {2 * kMinute, kDay, 400 * kDay, 50'000 * kDay}) {
    const std::int64_t before = now();
    set(by);
    BOOST_TEST(now() == before);
    BOOST_TEST(disagrees());
    pass(6000);
    BOOST_TEST(now() == before + 6000);
    set(-by);
    BOOST_TEST(now() == before + 6000);
    BOOST_TEST(!disagrees());
  }
  BOOST_TEST(jumps == 8);
}

BOOST_AUTO_TEST_CASE(an_hour_of_steady_agreement_makes_a_step_the_good_time) {
  set(kDay);
  BOOST_TEST(last_jump_ms == kDay);
  pass(kHour - 1000);
  BOOST_TEST(now() == kNow + kHour - 1000);
  pass(1000);
  BOOST_TEST(now() == kNow + kDay + kHour);
  BOOST_TEST(!disagrees());
  BOOST_TEST(jumps == 1);
}

BOOST_AUTO_TEST_CASE(an_hour_that_is_interrupted_begins_again) {
  set(kDay);
  pass(kHour - kMinute);
  set(2 * kMinute);
  pass(kHour - kMinute);
  BOOST_TEST(disagrees());
  pass(kMinute);
  BOOST_TEST(!disagrees());
}

BOOST_AUTO_TEST_CASE(a_clock_that_creeps_is_not_steady) {
  // A minute less a little at each second: 70 days within the hour.
  for (int i = 0; i < 3600; ++i) {
    pass(1000);
    set(59'000);
  }
  BOOST_TEST(now() <= kNow + 2 * kHour);
  BOOST_TEST(disagrees());
}

BOOST_AUTO_TEST_CASE(a_small_correction_is_no_jump) {
  set(59'000);
  BOOST_TEST(jumps == 0);
  BOOST_TEST(now() == kNow);
  set(-90'000);
  BOOST_TEST(now() == kNow - 31'000);
  pass(2 * kHour);
  BOOST_TEST(now() == kNow - 31'000 + 2 * kHour);
}

BOOST_AUTO_TEST_CASE(a_clock_set_back_is_the_earlier_one_at_once) {
  set(-400 * kDay);
  BOOST_TEST(now() == kNow - 400 * kDay);
  BOOST_TEST(last_jump_ms == -400 * kDay);
  BOOST_TEST(clock.good_ms(host.read()) == kNow);
  pass(kHour);
  BOOST_TEST(!disagrees());
  set(400 * kDay);
  BOOST_TEST(now() == kNow - 400 * kDay + kHour);
}

BOOST_AUTO_TEST_CASE(a_restart_continues_with_the_last_good_time) {
  for (const std::int64_t ahead : {5 * kMinute, kDay, 400 * kDay}) {
    host.set_wall_by(kNow + ahead - host.unix_ms());
    clock = TrustedClock(host.read(), kNow);
    BOOST_TEST(now() == kNow);
    BOOST_TEST(clock.ahead_ms(host.read()) == ahead);
    pass(kHour);
    BOOST_TEST(now() == kNow + ahead + kHour);
  }
  BOOST_TEST(jumps == 0);
  host.set_wall_by(kNow - kDay - host.unix_ms());
  clock = TrustedClock(host.read(), kNow);
  BOOST_TEST(now() == kNow - kDay);
}

BOOST_AUTO_TEST_CASE(a_new_database_believes_the_first_reading) {
  clock = TrustedClock(host.read(), {});
  BOOST_TEST(now() == kNow);
}

BOOST_AUTO_TEST_SUITE_END()
