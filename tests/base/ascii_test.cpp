#include "base/ascii.h"

#include <boost/test/unit_test.hpp>
#include <cctype>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(ascii)

BOOST_AUTO_TEST_CASE(classes_are_those_of_the_c_locale_for_every_byte) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool is_ascii = byte < 0x80;
    BOOST_TEST(is_digit(c) == (is_ascii && std::isdigit(byte) != 0), byte);
    BOOST_TEST(is_alpha(c) == (is_ascii && std::isalpha(byte) != 0), byte);
    BOOST_TEST(is_alphanumeric(c) == (is_ascii && std::isalnum(byte) != 0), byte);
    BOOST_TEST(is_hex_digit(c) == (is_ascii && std::isxdigit(byte) != 0), byte);
    BOOST_TEST(is_control(c) == (is_ascii && std::iscntrl(byte) != 0), byte);
    BOOST_TEST(lower(c) == static_cast<char>(is_ascii ? std::tolower(byte) : byte), byte);
  }
}

BOOST_AUTO_TEST_CASE(hexadecimal_digits_have_their_values_in_either_case) {
  BOOST_TEST(hex_value('0') == 0);
  BOOST_TEST(hex_value('9') == 9);
  BOOST_TEST(hex_value('a') == 10);
  BOOST_TEST(hex_value('F') == 15);
  BOOST_TEST(hex_value('g') == -1);
}

BOOST_AUTO_TEST_CASE(comparing_without_case_folds_ascii_letters_alone) {
  BOOST_TEST(equals_ignoring_case("Content-Type", "content-tYPE"));
  BOOST_TEST(equals_ignoring_case("", ""));
  BOOST_TEST(!equals_ignoring_case("a", "ab"));
  // Bit 0x20 alone does not make two characters the same letter.
  BOOST_TEST(!equals_ignoring_case("[", "{"));
  BOOST_TEST(!equals_ignoring_case("@", "`"));
  BOOST_TEST(!equals_ignoring_case("Ä", "ä"));
  BOOST_TEST(!equals_ignoring_case(std::string_view("a\0", 2), "a"));
}

BOOST_AUTO_TEST_CASE(a_prefix_without_case_is_no_longer_than_the_text) {
  BOOST_TEST(starts_with_ignoring_case("Bearer x", "bearer "));
  BOOST_TEST(starts_with_ignoring_case("Bearer ", "bearer "));
  BOOST_TEST(!starts_with_ignoring_case("Bearer", "bearer "));
  BOOST_TEST(lowered("AbC-Ä") == "abc-Ä");
}

BOOST_AUTO_TEST_SUITE_END()
