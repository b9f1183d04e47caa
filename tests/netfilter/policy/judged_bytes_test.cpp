#include "netfilter/policy/judged_bytes.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;
using Match = JudgedBytes::Match;

BOOST_AUTO_TEST_SUITE(judged_bytes)

BOOST_AUTO_TEST_CASE(compares_pieces_and_takes_any_data_between_them) {
  const std::uint32_t first = 0xfffffffa;  // about to wrap
  JudgedBytes judged(first);
  judged.keep(first, bytes_of("head one"));
  judged.keep(first + 20, bytes_of("head two"));
  const auto compare = [&](std::uint32_t at, std::string_view text) {
    return judged.compare(first + at, bytes_of(text));
  };
  BOOST_TEST((compare(0, "head one") == Match::same));
  BOOST_TEST((compare(5, "one............head two....") == Match::same));
  BOOST_TEST((compare(8, "anything") == Match::same));
  BOOST_TEST((compare(22, "ad t") == Match::same));
  BOOST_TEST((compare(0, "head two") == Match::differs));
  BOOST_TEST((compare(7, "x") == Match::differs));
  BOOST_TEST((compare(10, "..........hexd") == Match::differs));
  BOOST_TEST((compare(0xffffffff, "xhead") == Match::unknown));
  BOOST_TEST((compare(3, "") == Match::same));
}

BOOST_AUTO_TEST_CASE(keeps_the_newest_and_knows_what_it_has_dropped) {
  JudgedBytes judged(1);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    judged.keep(1 + i * 200, bytes_of(std::string(100, static_cast<char>('a' + i % 26))));
  }
  BOOST_TEST(judged.memory_size() < 4 * JudgedBytes::kKeptSize);
  BOOST_TEST((judged.compare(1, bytes_of("a")) == Match::unknown));
  BOOST_TEST((judged.compare(1 + 999 * 200, bytes_of("l")) == Match::same));
  BOOST_TEST((judged.compare(1 + 999 * 200, bytes_of("m")) == Match::differs));
  BOOST_TEST((judged.compare(1 + 930 * 200 + 150, bytes_of("x")) == Match::same));
}

BOOST_AUTO_TEST_CASE(keeps_a_long_piece_whole) {
  JudgedBytes judged(1);
  const std::string hello(60'000, 'h');
  judged.keep(1, bytes_of(hello));
  judged.keep(60'001, bytes_of("more"));
  BOOST_TEST((judged.compare(1, bytes_of(hello + "more")) == Match::same));
  BOOST_TEST((judged.compare(1, bytes_of("x")) == Match::differs));
}

BOOST_AUTO_TEST_CASE(knows_nothing_of_what_sequence_numbers_may_mean_twice) {
  JudgedBytes judged(1);
  judged.keep(1, bytes_of("head"));
  for (std::uint64_t at = 0; at < (std::uint64_t{5} << 30); at += 1 << 29) {
    judged.advance_to(static_cast<std::uint32_t>(at));
  }
  const auto now = static_cast<std::uint32_t>(std::uint64_t{9} << 29);
  BOOST_TEST((judged.compare(now, bytes_of("data")) == Match::same));
  BOOST_TEST((judged.compare(now - (3u << 29), bytes_of("data")) == Match::unknown));
}

BOOST_AUTO_TEST_SUITE_END()
