#include "base/terminal.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(display_text)

BOOST_AUTO_TEST_CASE(colours_need_a_terminal_that_takes_them) {
  for (const char* term : {"xterm", "xterm-256color", "screen", "linux", "dumber"}) {
    BOOST_TEST(takes_colours(term, nullptr), term);
    BOOST_TEST(takes_colours(term, ""), term);
    BOOST_TEST(!takes_colours(term, "1"), term);
    BOOST_TEST(!takes_colours(term, "0"), term);
  }
  BOOST_TEST(!takes_colours("dumb", nullptr));
  BOOST_TEST(!takes_colours("", nullptr));
  BOOST_TEST(!takes_colours(nullptr, nullptr));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(shell_words)

BOOST_AUTO_TEST_CASE(plain_words_stay_as_they_are) {
  BOOST_TEST(shell_word("/var/lib/picortex/a-b_c.1,2:3@x") == "/var/lib/picortex/a-b_c.1,2:3@x");
}

BOOST_AUTO_TEST_CASE(what_a_shell_would_act_on_is_quoted) {
  BOOST_TEST(shell_word("") == "''");
  BOOST_TEST(shell_word("a b") == "'a b'");
  BOOST_TEST(shell_word("$(reboot);~*") == "'$(reboot);~*'");
  BOOST_TEST(shell_word("it's") == "'it'\\''s'");
}

BOOST_AUTO_TEST_CASE(what_a_terminal_would_act_on_is_escaped) {
  BOOST_TEST(shell_word("a\x1b'\\\n") == "$'a\\033\\'\\\\\\012'");
  BOOST_TEST(shell_word("\xc3\xa9") == "$'\\303\\251'");
}

BOOST_AUTO_TEST_SUITE_END()
