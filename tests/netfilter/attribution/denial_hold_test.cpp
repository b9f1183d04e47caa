#include "netfilter/attribution/denial_hold.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(denial_hold)

namespace {

constexpr Instant kStart{std::chrono::hours(1)};
constexpr Instant kLate = kStart + DenialHold::kTimeMax;

}  // namespace

BOOST_AUTO_TEST_CASE(holds_while_a_process_is_looked_for_and_no_longer_than_its_time) {
  DenialHold hold;
  for (int i = 0; i < 1000; ++i) {
    BOOST_REQUIRE(hold.goes_on(true, 2, kLate - std::chrono::milliseconds(1)));
    BOOST_REQUIRE(hold.goes_on(true, 2, kLate - std::chrono::milliseconds(1)));
  }
  BOOST_TEST(!hold.goes_on(true, 2, kLate + DenialHold::kTimeMax));
  // The next ones have a time of their own.
  BOOST_TEST(hold.goes_on(true, 1, kLate + DenialHold::kTimeMax));
  BOOST_TEST(!hold.goes_on(false, 1, kLate + DenialHold::kTimeMax));
}

BOOST_AUTO_TEST_CASE(searches_a_few_times_however_much_time_passes_between) {
  DenialHold hold;
  Instant now = kStart;
  for (int i = 0; i < DenialHold::kIterationsMin; ++i, now += std::chrono::seconds(1)) {
    BOOST_REQUIRE(hold.goes_on(true, 1, now));
  }
  BOOST_TEST(!hold.goes_on(true, 1, now));
}

BOOST_AUTO_TEST_CASE(holds_nothing_of_a_flood) {
  DenialHold hold;
  BOOST_TEST(hold.goes_on(true, DenialHold::kHeldMax, kStart));
  BOOST_TEST(!hold.goes_on(true, DenialHold::kHeldMax + 1, kStart));
}

BOOST_AUTO_TEST_CASE(a_hold_that_was_ended_leaves_nothing_of_its_time) {
  DenialHold hold;
  for (int i = 0; i < DenialHold::kIterationsMin; ++i) BOOST_TEST(hold.goes_on(true, 1, kStart));
  hold.end();
  BOOST_TEST(hold.goes_on(true, 1, kLate));
}

BOOST_AUTO_TEST_SUITE_END()
