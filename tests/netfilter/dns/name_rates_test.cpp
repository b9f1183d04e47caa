#include "netfilter/dns/name_rates.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(name_rates)

namespace {

// How many questions of a size are let through at once.
int burst(NameRates& rates, const std::string& parent, std::size_t size, std::int64_t now_ms) {
  int count = 0;
  while (rates.charge(parent, size, now_ms)) ++count;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_CASE(long_names_cost_what_they_carry_and_short_ones_a_little) {
  NameRates rates;
  BOOST_TEST(burst(rates, "a.test", 240, kNow) == NameRates::kBurst / 240);
  BOOST_TEST(burst(rates, "b.test", 0, kNow) == NameRates::kBurst / NameRates::kCostMin);
}

BOOST_AUTO_TEST_CASE(fills_again_with_time_and_never_beyond_the_burst) {
  NameRates rates;
  burst(rates, "a.test", 240, kNow);
  BOOST_TEST(burst(rates, "a.test", 128, kNow + 10'000) <= 10 * NameRates::kPerSecond / 128 + 2);
  BOOST_TEST(!rates.charge("a.test", 128, kNow));  // the clock was set back
  BOOST_TEST(burst(rates, "a.test", 240, kNow + 365LL * 86'400'000) == NameRates::kBurst / 240);
}

BOOST_AUTO_TEST_CASE(is_bounded_in_its_parents) {
  NameRates rates;
  for (std::size_t i = 0; i < NameRates::kParentsMax; ++i) {
    BOOST_REQUIRE(rates.charge("p" + std::to_string(i), 100, kNow));
  }
  BOOST_TEST(!rates.charge("one more", 100, kNow));
  BOOST_TEST(rates.charge("one more", 100, kNow + 60'000));  // the others are full again
}

BOOST_AUTO_TEST_SUITE_END()
