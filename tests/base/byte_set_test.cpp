#include "base/byte_set.h"

#include <boost/test/unit_test.hpp>

#include "base/byte_scan.h"

using namespace picortex;
using namespace std::string_view_literals;

BOOST_AUTO_TEST_SUITE(byte_set)

BOOST_AUTO_TEST_CASE(has_what_was_added_and_not_removed) {
  constexpr ByteSet set = ByteSet("-\x80"sv).add_range('a', 'f').remove("c");
  BOOST_TEST(set.has_all("abdef-\x80"sv));
  BOOST_TEST(set.has_all(""));
  for (const char other : "cg`A\0\x7f\xff"sv) BOOST_TEST(!set.has(other));
  BOOST_TEST(!set.has_all("abc"));
}

BOOST_AUTO_TEST_CASE(a_range_reaches_both_ends_of_all_bytes) {
  constexpr ByteSet all = ByteSet().add_range('\0', '\xff');
  BOOST_TEST(all.has_all("\0 ~\x80\xff"sv));
}

// Every pair of adjacent bytes, in a word of letters.
BOOST_AUTO_TEST_CASE(the_first_byte_that_fits_is_found_whatever_follows_it) {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      char bytes[8] = {'a', 'a', 'a', static_cast<char>(first), static_cast<char>(second),
                       'a', 'a', 'a'};
      const auto is_control = [](unsigned byte) { return byte < 0x20 || byte == 0x7f; };
      const std::uint64_t word = load_word(bytes);
      const std::uint64_t answer = bytes_below(word, 0x20) | bytes_equal(word, 0x7f);
      BOOST_REQUIRE((answer != 0) == (is_control(first) || is_control(second)));
      if (answer != 0) BOOST_REQUIRE(first_fitting(answer) == (is_control(first) ? 3u : 4u));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
