#include "netfilter/policy/connection_rate.h"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(connection_rate)

namespace {

std::int64_t take_all(ConnectionRate& rate, std::int64_t now_ms) {
  std::int64_t taken = 0;
  while (rate.take(now_ms)) ++taken;
  return taken;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_burst_passes_and_then_a_fixed_rate) {
  ConnectionRate rate;
  BOOST_TEST(take_all(rate, kNow) == ConnectionRate::kBurst);
  BOOST_TEST(take_all(rate, kNow + 1) == 0);
  BOOST_TEST(take_all(rate, kNow + 1000) == ConnectionRate::kPerSecond);
  BOOST_TEST(take_all(rate, kNow + 3000) == 2 * ConnectionRate::kPerSecond);
}

BOOST_AUTO_TEST_CASE(a_long_pause_fills_no_more_than_the_burst) {
  ConnectionRate rate;
  BOOST_TEST(take_all(rate, kNow) == ConnectionRate::kBurst);
  BOOST_TEST(take_all(rate, std::numeric_limits<std::int64_t>::max()) == ConnectionRate::kBurst);
}

BOOST_AUTO_TEST_CASE(a_clock_set_back_gains_nothing_until_it_catches_up) {
  ConnectionRate rate;
  BOOST_TEST(take_all(rate, kNow) == ConnectionRate::kBurst);
  BOOST_TEST(take_all(rate, kNow - 86'400'000) == 0);
  BOOST_TEST(take_all(rate, kNow) == 0);
  BOOST_TEST(take_all(rate, kNow + 1000) == ConnectionRate::kPerSecond);
}

BOOST_AUTO_TEST_SUITE_END()
