#include "handlers/ingest/telemetry_budget.h"

#include <boost/test/unit_test.hpp>

using picortex::TelemetryBudget;

BOOST_AUTO_TEST_SUITE(telemetry_budget)

BOOST_AUTO_TEST_CASE(what_is_used_up_comes_back_with_time) {
  TelemetryBudget budget(60);
  BOOST_TEST(budget.has_room(1000));
  budget.spend(60, 0);
  BOOST_TEST(!budget.has_room(1000));
  BOOST_TEST(budget.has_room(2000));
  budget.spend(1, 0);
  BOOST_TEST(!budget.has_room(2000));
  // Not more than a minute's worth is saved up.
  BOOST_TEST(budget.has_room(10'000'000));
  budget.spend(60, 0);
  BOOST_TEST(!budget.has_room(10'000'000));
}

BOOST_AUTO_TEST_CASE(a_large_request_is_taken_and_its_debt_paid_off) {
  TelemetryBudget budget(60);
  BOOST_TEST(budget.has_room(1000));
  budget.spend(120, 0);
  BOOST_TEST(!budget.has_room(60'000));
  BOOST_TEST(budget.has_room(62'000));
}

BOOST_AUTO_TEST_CASE(bytes_count_as_well) {
  TelemetryBudget budget(60);
  BOOST_TEST(budget.has_room(1000));
  budget.spend(1, 60 * TelemetryBudget::kBytesPerEvent);
  BOOST_TEST(!budget.has_room(1000));
}

BOOST_AUTO_TEST_CASE(zero_lifts_the_limit) {
  TelemetryBudget budget(0);
  budget.spend(1'000'000, 0);
  BOOST_TEST(budget.has_room(0));
}

BOOST_AUTO_TEST_SUITE_END()
