#include "base/json/json_text.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace picortex;
using namespace std::string_view_literals;

BOOST_AUTO_TEST_SUITE(json_text)

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

template <class Number>
std::string number(Number value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(plain_text_passes_through_at_every_length) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    BOOST_TEST(escaped(text) == "\"" + text + "\"");
    text += static_cast<char>('a' + i % 26);
  }
}

BOOST_AUTO_TEST_CASE(a_special_byte_is_escaped_at_every_offset) {
  for (std::size_t at = 0; at < 20; ++at) {
    std::string text(20, 'x');
    text[at] = '"';
    std::string want(20, 'x');
    want.replace(at, 1, "\\\"");
    BOOST_TEST(escaped(text) == "\"" + want + "\"");
  }
}

BOOST_AUTO_TEST_CASE(long_texts_are_escaped_however_many_escapes_they_have_and_how_far_apart) {
  for (const std::string_view special : {"\"", "\\", "\n", "\xc3\xa9"}) {
    const std::string want_one = special == "\xc3\xa9" ? std::string(special)
                                 : special == "\n"     ? "\\n"
                                                       : "\\" + std::string(special);
    for (std::size_t apart = 0; apart < 20; ++apart) {
      std::string text;
      std::string want = "\"";
      while (text.size() < 700) {
        text += std::string(apart, 'x') + std::string(special);
        want += std::string(apart, 'x') + want_one;
      }
      BOOST_TEST(escaped(text) == want + '"');
    }
  }
}

BOOST_AUTO_TEST_CASE(controls_cannot_end_the_line_or_paint_the_terminal) {
  BOOST_TEST(escaped("a\nb\r\t\0\x1b[31m\x7f"sv) == R"("a\nb\r\t\u0000\u001b[31m\u007f")");
  BOOST_TEST(escaped("\xc2\x85\xc2\x9b") == R"("\u0085\u009b")");
  BOOST_TEST(escaped("\u2028\u2029\u202e\u2066\ufeff") == R"("\u2028\u2029\u202e\u2066\ufeff")");
}

BOOST_AUTO_TEST_CASE(well_formed_utf8_stays) {
  BOOST_TEST(escaped("grüße 日本 🙂") == "\"grüße 日本 🙂\"");
}

BOOST_AUTO_TEST_CASE(each_byte_that_is_not_utf8_becomes_the_replacement_character) {
  BOOST_TEST(escaped("a\xff\x62") == R"("a\ufffdb")");
  BOOST_TEST(escaped("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");  // a surrogate
  BOOST_TEST(escaped("\xc0\xaf") == R"("\ufffd\ufffd")");            // overlong
  BOOST_TEST(escaped("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
  BOOST_TEST(escaped("\xe2\x82") == R"("\ufffd\ufffd")");  // cut short
}

BOOST_AUTO_TEST_CASE(numbers_read_back_as_they_were) {
  BOOST_TEST(number(std::int64_t{-9223372036854775807 - 1}) == "-9223372036854775808");
  BOOST_TEST(number(std::uint64_t{18446744073709551615u}) == "18446744073709551615");
  BOOST_TEST(number(0.1) == "0.1");
  BOOST_TEST(number(-0.0) == "-0.0");
  BOOST_TEST(number(1e300) == "1e+300");
  BOOST_TEST(number(0x1p64) == "1.8446744073709552e+19");
  BOOST_TEST(number(std::nan("")) == "null");
}

BOOST_AUTO_TEST_CASE(a_cut_string_ends_between_characters) {
  for (const std::string text : {"plain text", "\n\t\"\\\x01", "\xe2\x82\xac\xf0\x9f\x98\x80",
                                 "\xff\xfe", "\xe2\x80\xa8x", ""}) {
    std::string whole;
    append_json_string(whole, text);
    std::size_t last = 0;
    for (std::size_t size_max = 2; size_max <= whole.size() + 2; ++size_max) {
      std::string cut = "ab";
      const bool is_whole = append_json_string_within(cut, text, size_max);
      cut.erase(0, 2);
      BOOST_TEST(cut.size() <= size_max);
      BOOST_TEST(is_whole == (whole.size() <= size_max));
      // A prefix of the whole, never ending within an escape or a sequence.
      BOOST_TEST(whole.starts_with(cut.substr(0, cut.size() - 1)));
      BOOST_TEST(cut.size() >= last);
      last = cut.size();
      std::string literal;
      append_json_literal_within(literal, whole, size_max);
      BOOST_TEST(literal == cut);
    }
    BOOST_TEST(last == whole.size());
  }
}

BOOST_AUTO_TEST_CASE(a_cut_keeps_escaped_surrogates_in_pairs) {
  std::string cut;
  append_json_literal_within(cut, R"("a\ud83d\ude00b")", 12);
  BOOST_TEST(cut == R"("a")");
  cut.clear();
  append_json_literal_within(cut, R"("a\ud83d\ude00b")", 15);
  BOOST_TEST(cut == R"("a\ud83d\ude00")");
}

BOOST_AUTO_TEST_SUITE_END()
