#include "handlers/ops/blocking_time_histogram.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;
using std::chrono::microseconds;

BOOST_AUTO_TEST_SUITE(blocking_time_histogram)

BOOST_AUTO_TEST_CASE(a_quantile_is_never_too_short_and_at_most_an_eighth_too_long) {
  for (const std::int64_t length : {0, 1, 7, 8, 15, 16, 17, 100, 1023, 1024, 1'500'000}) {
    BlockingTimeHistogram histogram;
    histogram.add(microseconds(length));
    const std::int64_t reported = histogram.quantile(500) / microseconds(1);
    BOOST_TEST(reported > length);
    BOOST_TEST(reported <= length + length / 8 + 1);
  }
}

BOOST_AUTO_TEST_CASE(quantiles_part_the_many_from_the_few) {
  BlockingTimeHistogram histogram;
  BOOST_TEST((histogram.quantile(999) == microseconds(0)));
  for (int i = 0; i < 998; ++i) histogram.add(microseconds(3));
  histogram.add(microseconds(5));
  histogram.add(std::chrono::hours(1));
  BOOST_TEST((histogram.quantile(500) == microseconds(4)));
  BOOST_TEST((histogram.quantile(999) == microseconds(6)));
  BOOST_TEST((histogram.quantile(1000) > std::chrono::seconds(60)));
}

BOOST_AUTO_TEST_SUITE_END()
