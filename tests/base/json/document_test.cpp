#include "base/json/document.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>

#include "base/json/writer.h"
#include "tests/handlers/padded_body.h"

using namespace picortex;
using namespace std::string_view_literals;

BOOST_AUTO_TEST_SUITE(json)

namespace {

constexpr std::size_t kSizeMax = 1 << 20;

// The text parsed and written again, or the error.
std::string rewritten(std::string_view text) {
  static JsonDocument document(kSizeMax);
  static JsonWriter writer;
  PaddedBody body(text);
  if (const auto parsed = document.parse(body.bytes()); !parsed) return parsed.error().what;
  std::string out;
  if (const auto done = writer.append(out, document.root()); !done) return done.error().what;
  return out;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

BOOST_AUTO_TEST_CASE(every_kind_of_value_is_written_again_on_one_line) {
  BOOST_TEST(
      rewritten(" {\"a\" : [1, -2.5,\n true,false ,null,\"x\" ,{},[]], \"b\":{\"c\":\"d\"}} ") ==
      R"({"a":[1,-2.5,true,false,null,"x",{},[]],"b":{"c":"d"}})");
  BOOST_TEST(rewritten("[18446744073709551615,-9223372036854775808]") ==
             "[18446744073709551615,-9223372036854775808]");
}

BOOST_AUTO_TEST_CASE(what_acts_on_a_terminal_is_escaped_in_values_and_keys) {
  BOOST_TEST(rewritten("{\"\\u001b[31m\\u2028\":\"\\n\\u0000\x7f\xe2\x80\xa8\"}") ==
             R"({"\u001b[31m\u2028":"\n\u0000\u007f\u2028"})");
}

BOOST_AUTO_TEST_CASE(lone_surrogates_become_the_replacement_character) {
  BOOST_TEST(rewritten(R"(["\ud800"])") == "[\"\ufffd\"]");
  BOOST_TEST(rewritten(R"(["\udc00 \uDFFF"])") == "[\"\ufffd \ufffd\"]");
  BOOST_TEST(rewritten(R"(["\ud83d\ude00"])") == "[\"😀\"]");
  BOOST_TEST(rewritten(R"(["\ud83d\ud83d\ude00"])") == "[\"\ufffd😀\"]");
  BOOST_TEST(rewritten(R"(["\ud83d\u0041"])") == "[\"\ufffdA\"]");
  BOOST_TEST(rewritten(R"(["\ud83dx"])") == "[\"\ufffdx\"]");
}

BOOST_AUTO_TEST_CASE(an_escaped_backslash_before_a_u_begins_no_escape) {
  BOOST_TEST(rewritten(R"(["\\ud800"])") == R"(["\\ud800"])");
  BOOST_TEST(rewritten(R"(["\\\ud800"])") == "[\"\\\\\ufffd\"]");
  BOOST_TEST(rewritten(R"(["\ud800\\udc00"])") == "[\"\ufffd\\\\udc00\"]");
}

BOOST_AUTO_TEST_CASE(texts_that_end_within_an_escape_are_rejected) {
  for (const auto text :
       {R"(["\)", R"(["\u)", R"(["\ud8)", R"(["\ud800)", R"(["\ud800\)", R"(["\ud800\udc0)"}) {
    BOOST_TEST(rewritten(text) == "is not valid JSON: a string is not closed");
  }
}

BOOST_AUTO_TEST_CASE(integers_beyond_64_bits_read_as_doubles) {
  BOOST_TEST(rewritten("[100000000000000000000]") == "[1e+20]");
  BOOST_TEST(rewritten("[18446744073709551616,-9223372036854775809]") ==
             "[1.8446744073709552e+19,-9.223372036854776e+18]");
  BOOST_TEST(rewritten(R"(["100000000000000000000\"",-295147905179352830000])") ==
             R"(["100000000000000000000\"",-2.9514790517935283e+20])");
  BOOST_TEST(rewritten("[0.12345678901234567890123,18446744073709551616]") ==
             "[0.12345678901234568,1.8446744073709552e+19]");
}

BOOST_AUTO_TEST_CASE(numbers_that_json_or_a_double_does_not_have_are_rejected) {
  for (const auto text :
       {"[1e999]", "[00000000000000000000001]", "[-]", "[.5]", "[+1]", "[0x10]", "[1.e2]"}) {
    BOOST_TEST(rewritten(text).starts_with("is not valid JSON: "), text);
  }
  BOOST_TEST(
      rewritten("[1" + std::string(400, '0') + "]").starts_with("is not valid JSON: a numb"));
}

BOOST_AUTO_TEST_CASE(depth_is_limited) {
  const std::size_t most = kJsonDepthMax;
  BOOST_TEST(rewritten(nested(most)) == nested(most));
  BOOST_TEST(rewritten(nested(most + 1)) == "is nested more than 64 levels deep");
  BOOST_TEST(rewritten(nested(100'000)) == "is nested more than 64 levels deep");
}

BOOST_AUTO_TEST_CASE(broken_texts_are_rejected_with_a_reason) {
  BOOST_TEST(rewritten("") == "is empty");
  BOOST_TEST(rewritten(" \n") == "is empty");
  BOOST_TEST(rewritten("[\"a\nb\"]") ==
             "is not valid JSON: a string holds a control character that is not escaped");
  BOOST_TEST(rewritten("[\"\xff\"]") == "is not valid JSON: it is not UTF-8");
  BOOST_TEST(rewritten("[\"\xed\xa0\x80\"]") == "is not valid JSON: it is not UTF-8");
  BOOST_TEST(rewritten("[tru]") == "is not valid JSON: a word is none of true, false, null");
  for (const auto text : {"{", "[1,]", "{\"a\"}", "[1] [2]", "{\"a\":1,}", "\0"}) {
    BOOST_TEST(rewritten(text).starts_with("is "), text);
  }
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_in_front_is_skipped) {
  BOOST_TEST(rewritten("\ufeff[1]") == "[1]");
}

BOOST_AUTO_TEST_CASE(a_text_beyond_the_limit_is_rejected) {
  JsonDocument document(8);
  PaddedBody fits("[1,2,34]");
  PaddedBody exceeds("[1,2,345]");
  BOOST_TEST(document.parse(fits.bytes()).has_value());
  BOOST_TEST(document.parse(exceeds.bytes()).error().what == "is larger than 8 bytes");
}

BOOST_AUTO_TEST_CASE(of_members_of_one_name_the_last_counts) {
  BOOST_TEST(rewritten(R"({"a":1,"b":{"c":1,"c":2},"a":3})") == R"({"b":{"c":2},"a":3})");
  BOOST_TEST(rewritten(R"({"a":1,"\u0061":2})") == R"({"a":2})");
}

BOOST_AUTO_TEST_CASE(of_many_members_too_the_last_counts) {
  std::string text = "{";
  std::string want = "{";
  for (int i = 0; i < 3000; ++i) {
    text += "\"k" + std::to_string(i % 1000) + "\":{\"x\":1,\"x\":" + std::to_string(i) + "},";
    if (i >= 2000) {
      want += "\"k" + std::to_string(i % 1000) + "\":{\"x\":" + std::to_string(i) + "},";
    }
  }
  text.back() = want.back() = '}';
  BOOST_TEST(rewritten(text) == want);
}

BOOST_AUTO_TEST_CASE(prototype_properties_are_rejected_at_any_depth) {
  const std::string proto = "contains the forbidden prototype property __proto__";
  BOOST_TEST(rewritten(R"({"__proto__":1})") == proto);
  BOOST_TEST(rewritten(R"([{"a":[{"\u005f_proto__":{}}]}])") == proto);
  BOOST_TEST(rewritten(R"({"constructor":{"prototype":1}})") ==
             "contains the forbidden prototype property constructor.prototype");
  BOOST_TEST(rewritten(R"({"constructor":{"name":"x"},"prototype":1})") ==
             R"({"constructor":{"name":"x"},"prototype":1})");
  BOOST_TEST(rewritten(R"({"constructor":"prototype"})") == R"({"constructor":"prototype"})");
}

BOOST_AUTO_TEST_CASE(the_writer_continues_after_a_rejection) {
  BOOST_TEST(rewritten(R"({"a":1,"a":2,"b":{"__proto__":1}})").starts_with("contains"));
  BOOST_TEST(rewritten(R"({"a":1,"b":2})") == R"({"a":1,"b":2})");
}

BOOST_AUTO_TEST_CASE(members_can_be_left_out) {
  JsonDocument document(kSizeMax);
  JsonWriter writer;
  PaddedBody body(R"({"a":1,"":2,"b":{"a":3}})");
  BOOST_TEST(document.parse(body.bytes()).has_value());
  const auto object = document.root().get_object().value();
  const std::vector<std::string_view> one{"a"};
  const std::vector<std::string_view> all{"a", "b", ""};
  std::string out;
  BOOST_TEST(writer.append_without(out, object, one).has_value());
  BOOST_TEST(out == R"({"":2,"b":{"a":3}})");
  out = "kept";
  BOOST_TEST(writer.append_without(out, object, all).has_value());
  BOOST_TEST(out == "kept");
}

BOOST_AUTO_TEST_SUITE_END()
