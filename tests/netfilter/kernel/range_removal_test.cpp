#include "netfilter/kernel/range_removal.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(range_removal)

namespace {

using Ranges = std::vector<UidRange>;

const UidRange kOwn{1001, 1001};
const UidRange kFirst{100'000, 165'535};
const UidRange kSecond{200'000, 265'535};

}  // namespace

BOOST_AUTO_TEST_CASE(an_added_range_counts_at_once) {
  RangeRemoval removal;
  const bool both = removal.confirm({kOwn}, {kOwn, kFirst}) == Ranges{kOwn, kFirst};
  BOOST_TEST(both);
  BOOST_TEST(!removal.is_pending());
}

BOOST_AUTO_TEST_CASE(a_range_is_given_up_after_two_reads_that_lack_it) {
  RangeRemoval removal;
  const Ranges known{kOwn, kFirst};
  const bool is_kept = removal.confirm(known, {kOwn}) == known;
  BOOST_TEST(is_kept);
  BOOST_TEST(removal.is_pending());
  const bool is_given_up = removal.confirm(known, {kOwn}) == Ranges{kOwn};
  BOOST_TEST(is_given_up);
  BOOST_TEST(!removal.is_pending());
}

BOOST_AUTO_TEST_CASE(a_file_that_was_empty_for_a_moment_takes_nothing_away) {
  RangeRemoval removal;
  const Ranges known{kOwn, kFirst};
  BOOST_TEST(removal.confirm(known, {kOwn}).size() == 2);
  const bool is_whole =
      removal.confirm(known, {kOwn, kFirst, kSecond}) == Ranges{kOwn, kFirst, kSecond};
  BOOST_TEST(is_whole);
  BOOST_TEST(!removal.is_pending());
}

BOOST_AUTO_TEST_CASE(another_removal_must_be_confirmed_as_well) {
  RangeRemoval removal;
  const Ranges known{kOwn, kFirst, kSecond};
  BOOST_TEST(removal.confirm(known, {kOwn, kFirst}).size() == 3);
  BOOST_TEST(removal.confirm(known, {kOwn, kSecond}).size() == 3);
  const bool is_given_up = removal.confirm(known, {kOwn, kSecond}) == Ranges{kOwn, kSecond};
  BOOST_TEST(is_given_up);
}

BOOST_AUTO_TEST_SUITE_END()
