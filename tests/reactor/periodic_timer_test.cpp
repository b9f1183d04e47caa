#include "reactor/periodic_timer.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/scripted_loop.h"

using namespace picortex;

namespace {

constexpr std::chrono::seconds kInterval{1};

struct TimerFixture : test::ScriptedLoop {
  void on_tick() noexcept {
    ++ticks;
    if (ticks == last_tick) timer.stop();
  }

  PeriodicTimer timer{*reactor, kInterval, Callback<>::to<&TimerFixture::on_tick>(*this)};
  int ticks = 0;
  int last_tick = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(periodic_timer, TimerFixture)

BOOST_AUTO_TEST_CASE(does_nothing_before_it_is_started) {
  pass(10 * kInterval);
  BOOST_TEST(ticks == 0);
}

BOOST_AUTO_TEST_CASE(ticks_once_at_each_interval) {
  timer.start();
  pass(kInterval - std::chrono::milliseconds(1));
  BOOST_TEST(ticks == 0);
  pass(std::chrono::milliseconds(1));
  BOOST_TEST(ticks == 1);
  pass(kInterval);
  BOOST_TEST(ticks == 2);
}

BOOST_AUTO_TEST_CASE(does_not_make_up_for_ticks_that_a_pause_has_swallowed) {
  timer.start();
  pass(10 * kInterval);
  BOOST_TEST(ticks == 1);
  pass(kInterval);
  BOOST_TEST(ticks == 2);
}

BOOST_AUTO_TEST_CASE(may_be_stopped_by_its_own_tick_and_started_again) {
  last_tick = 2;
  timer.start();
  pass(kInterval);
  pass(kInterval);
  pass(10 * kInterval);
  BOOST_TEST(ticks == 2);
  timer.start();
  pass(kInterval);
  BOOST_TEST(ticks == 3);
}

BOOST_AUTO_TEST_SUITE_END()
