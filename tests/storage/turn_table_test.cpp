#include "storage/turn_table.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>
#include <string>

#include "storage/index/run_ranges.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(turn_table)

BOOST_AUTO_TEST_CASE(ranges_grow_join_and_stay_as_they_are) {
  std::string ranges;
  const std::pair<std::uint32_t, const char*> steps[] = {{5, "5-5"},
                                                         {6, "5-6"},
                                                         {4, "4-6"},
                                                         {0, "0-0,4-6"},
                                                         {9, "0-0,4-6,9-9"},
                                                         {5, "0-0,4-6,9-9"},
                                                         {2, "0-0,2-2,4-6,9-9"},
                                                         {1, "0-2,4-6,9-9"},
                                                         {3, "0-6,9-9"},
                                                         {8, "0-6,8-9"},
                                                         {7, "0-9"}};
  for (const auto& [number, text] : steps) {
    BOOST_TEST(add_to_ranges(ranges, number));
    BOOST_TEST(ranges == text);
  }
}

BOOST_AUTO_TEST_CASE(any_order_gives_the_same_ranges) {
  std::mt19937 random(7);
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < 200; ++i) {
    if (i % 17 != 3) numbers.push_back(i);
  }
  std::set<std::string> outcomes;
  for (int round = 0; round < 20; ++round) {
    std::string ranges;
    bool all_fit = true;
    for (const std::uint32_t number : numbers) all_fit = add_to_ranges(ranges, number) && all_fit;
    if (all_fit) outcomes.insert(ranges);
    // Neighbours change places: as far as records are delayed.
    for (std::size_t i = 0; i + 1 < numbers.size(); i += 1 + random() % 3) {
      std::swap(numbers[i], numbers[i + 1]);
    }
  }
  BOOST_TEST(outcomes.size() == 1u);
  BOOST_TEST(missing_in_ranges(*outcomes.begin(), true) == 12);
}

BOOST_AUTO_TEST_CASE(missing_numbers_are_counted_from_zero_or_from_the_first) {
  BOOST_TEST(missing_in_ranges("", true) == 0);
  BOOST_TEST(missing_in_ranges("5-9", true) == 5);
  BOOST_TEST(missing_in_ranges("5-9", false) == 0);
  BOOST_TEST(missing_in_ranges("0-3,5-6,9-9", false) == 3);
  // What the database says is not trusted.
  for (const char* text : {"x", "3", "3-", "9-3", "1-2,1-2", "-1-2", "99999999999-1"}) {
    BOOST_TEST(missing_in_ranges(text, false) == 0, text);
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_ranges_has_a_bound) {
  std::string ranges;
  for (std::uint32_t i = 0; i < kRunRangesMax; ++i) BOOST_TEST(add_to_ranges(ranges, 2 * i));
  const std::string full = ranges;
  BOOST_TEST(!add_to_ranges(ranges, 1000));
  BOOST_TEST(ranges == full);
  BOOST_TEST(add_to_ranges(ranges, 1));
}

BOOST_AUTO_TEST_SUITE_END()
