#include "cli/help_text.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(help_text)

BOOST_AUTO_TEST_CASE(a_meaning_is_wrapped_below_itself) {
  BOOST_TEST(wrapped_help(
                 "  --limit N       the newest N events of all that there are, for people\n", 40) ==
             "  --limit N       the newest N events of\n"
             "                  all that there are,\n"
             "                  for people\n");
}

BOOST_AUTO_TEST_CASE(another_line_is_wrapped_below_its_beginning) {
  BOOST_TEST(
      wrapped_help("Show what happened, from the database, with or without a daemon\n\n  a b\n",
                   40) ==
      "Show what happened, from the database,\n"
      "with or without a daemon\n"
      "\n"
      "  a b\n");
}

BOOST_AUTO_TEST_CASE(a_word_that_is_too_long_stays_whole) {
  const std::string word(60, 'x');
  BOOST_TEST(wrapped_help("a " + word + " b\n", 40) == "a\n" + word + "\nb\n");
}

BOOST_AUTO_TEST_CASE(letters_count_and_not_their_bytes) {
  const std::string line = "                  ääääääääää ööööööööööö\n";
  BOOST_TEST(wrapped_help(line, 40) == line);
}

BOOST_AUTO_TEST_CASE(without_a_width_nothing_changes) {
  const std::string line(200, 'x');
  BOOST_TEST(wrapped_help(line + ' ' + line, 0) == line + ' ' + line);
}

BOOST_AUTO_TEST_SUITE_END()
