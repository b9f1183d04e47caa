#include "base/parse.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(parse)

namespace {

constexpr DurationUnit kUnits[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}};

std::int64_t duration(std::string_view text, std::int64_t least_ms, std::int64_t most_ms) {
  return parse_duration(text, kUnits, least_ms, most_ms).value_or(-1);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_whole_number_is_all_of_the_text) {
  BOOST_TEST(parse_whole<int>("0").value() == 0);
  BOOST_TEST(parse_whole<int>("-17").value() == -17);
  BOOST_TEST(parse_whole<std::uint64_t>("18446744073709551615").value() == UINT64_MAX);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1", "1.0", "-", "--1", "１"}) {
    BOOST_TEST(!parse_whole<int>(text).has_value(), text);
  }
  BOOST_TEST(!parse_whole<int>(std::string_view("1\0", 2)).has_value());
}

BOOST_AUTO_TEST_CASE(a_whole_number_lies_within_its_limits) {
  BOOST_TEST(parse_whole<int>("1", 1, 3).value() == 1);
  BOOST_TEST(parse_whole<int>("3", 1, 3).value() == 3);
  BOOST_TEST(!parse_whole<int>("0", 1, 3).has_value());
  BOOST_TEST(!parse_whole<int>("4", 1, 3).has_value());
  BOOST_TEST(!parse_whole<std::uint16_t>("65536").has_value());
  BOOST_TEST(!parse_whole<std::uint64_t>("18446744073709551616").has_value());
}

BOOST_AUTO_TEST_CASE(a_minus_sign_counts_only_where_a_negative_number_may_be) {
  BOOST_TEST(parse_whole<int>("-0").value() == 0);
  BOOST_TEST(!parse_whole<int>("-0", 0).has_value());
  BOOST_TEST(!parse_whole<unsigned>("-1").has_value());
}

BOOST_AUTO_TEST_CASE(a_whole_number_may_be_hexadecimal) {
  BOOST_TEST(parse_whole<std::int64_t>("1f", 0, 31, 16).value() == 31);
  BOOST_TEST(parse_whole<std::int64_t>("1F", 0, 31, 16).value() == 31);
  BOOST_TEST(!parse_whole<std::int64_t>("20", 0, 31, 16).has_value());
}

BOOST_AUTO_TEST_CASE(taking_a_number_leaves_what_follows_it) {
  std::string_view text = "12-x";
  BOOST_TEST(take_whole<int>(text).value() == 12);
  BOOST_TEST(text == "-x");
  BOOST_TEST(!take_whole<unsigned>(text).has_value());
  BOOST_TEST(text == "-x");
}

BOOST_AUTO_TEST_CASE(a_duration_is_a_number_and_one_of_the_units) {
  BOOST_TEST(duration("250ms", 1, 300'000) == 250);
  BOOST_TEST(duration("90s", 1, 300'000) == 90'000);
  BOOST_TEST(duration("5m", 1, 300'000) == 300'000);
  for (const char* text : {"", "s", "5", "5h", "5 s", "-5s", "+5s", "5S", "5sm", "1.5s"}) {
    BOOST_TEST(duration(text, 1, 300'000) == -1, text);
  }
}

BOOST_AUTO_TEST_CASE(a_duration_lies_within_its_limits_and_never_overflows) {
  BOOST_TEST(duration("999ms", 1'000, 300'000) == -1);
  BOOST_TEST(duration("1s", 1'000, 300'000) == 1'000);
  BOOST_TEST(duration("301s", 1'000, 300'000) == -1);
  BOOST_TEST(duration("9223372036854775807m", 1, INT64_MAX) == -1);
  BOOST_TEST(duration("153722867280912m", 1, INT64_MAX) == 9'223'372'036'854'720'000);
}

BOOST_AUTO_TEST_SUITE_END()
