#include "handlers/http/chunked_decoder.h"

#include <boost/test/unit_test.hpp>
#include <string>

using picortex::http::ChunkedDecoder;
using Outcome = ChunkedDecoder::Outcome;

BOOST_AUTO_TEST_SUITE(chunked_decoder)

namespace {

struct Decoded {
  Outcome outcome;
  std::size_t consumed;
  std::string body;

  bool operator==(const Decoded&) const = default;
};

Decoded decode_from(ChunkedDecoder& decoder, Decoded so_far, const std::string& bytes) {
  const auto [outcome, consumed] = decoder.decode(bytes, so_far.body, 20);
  return {outcome, so_far.consumed + consumed, so_far.body};
}

// The outcome, after checking that it is the same however the bytes are cut in two.
Decoded decode(const std::string& bytes) {
  ChunkedDecoder decoder;
  const Decoded whole = decode_from(decoder, {}, bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    decoder.reset();
    Decoded pieces = decode_from(decoder, {}, bytes.substr(0, cut));
    if (pieces.outcome == Outcome::wants_more) {
      pieces = decode_from(decoder, pieces, bytes.substr(cut));
    }
    BOOST_TEST((pieces == whole), bytes << " cut at " << cut);
  }
  return whole;
}

}  // namespace

BOOST_AUTO_TEST_CASE(extensions_are_checked_and_ignored) {
  for (const char* extension :
       {"", ";a", ";a=b", ";a;b;c=d", " ;a", ";a \t= b", " ; a ; b", ";a=\"\"", ";a=\"b c\"",
        ";a=\"b;c=d\"", ";a=\"b\\\"c\"", ";a=\"\\\\\"", ";a=\"\\\t\\ \";b", ";a=\"\xe2\x82\xac\"",
        ";a=\"\\\xff\"", ";a=\"b\";c=\"\\\"\"", ";a=\"b\" ;c", ";!#$%&'*+-.^_`|~=1"}) {
    const std::string line(extension);
    const Decoded decoded =
        decode("3" + line + "\r\nabc\r\n2" + line + "\r\nde\r\n0" + line + "\r\n\r\nGET");
    BOOST_TEST((decoded.outcome == Outcome::complete), line);
    BOOST_TEST(decoded.body == "abcde", line);
    BOOST_TEST(decoded.consumed == 3 * line.size() + 20, line);
  }
}

BOOST_AUTO_TEST_CASE(extensions_that_another_reader_might_end_elsewhere_are_rejected) {
  for (const char* extension : {";",
                                ";=b",
                                ";a=",
                                ";a==b",
                                ";a b",
                                " ",
                                "\t",
                                " x",
                                ";a ",
                                ";a=b c",
                                ";a=\"b",
                                ";a=\"b\"c",
                                ";a=\"b\nc\"",
                                ";a=\"b\\\nc\"",
                                ";a=\"b\rc\"",
                                ";a=\"\x7f\"",
                                ";a=\"\\\x01\"",
                                ";a,b",
                                ";a=\"b\\\"",
                                ";\"a\"",
                                ";a=\x80",
                                "\n",
                                ";a\n",
                                ";a=b\n"}) {
    const Outcome outcome = decode("3" + std::string(extension) + "\r\nabc\r\n0\r\n\r\n").outcome;
    BOOST_TEST((outcome == Outcome::bad_extension || outcome == Outcome::bad_size), extension);
  }
}

BOOST_AUTO_TEST_CASE(every_other_part_must_be_as_the_grammar_says) {
  const std::pair<const char*, Outcome> wrong[] = {
      {"\r\n", Outcome::bad_size},
      {"g\r\n", Outcome::bad_size},
      {"+3\r\n", Outcome::bad_size},
      {"0x3\r\n", Outcome::bad_size},
      {" 3\r\n", Outcome::bad_size},
      {"3\n", Outcome::bad_size},
      {"3\r\r\n", Outcome::bad_size},
      {"10000000000000000\r\n", Outcome::bad_size},
      {"15\r\n", Outcome::too_large},
      {"a\r\n0123456789\r\nb\r\n", Outcome::too_large},
      {"ffffffffffffffff\r\n", Outcome::too_large},
      {"3\r\nabcd\r\n", Outcome::bad_end},
      {"3\r\nabc\n", Outcome::bad_end},
      {"3\r\nabc\rx", Outcome::bad_end},
      {"0\r\nA\r\n", Outcome::bad_trailer},
      {"0\r\n: a\r\n", Outcome::bad_trailer},
      {"0\r\nA : b\r\n", Outcome::bad_trailer},
      {"0\r\nA: b\n", Outcome::bad_trailer},
      {"0\r\nA: b\r\n c\r\n", Outcome::bad_trailer},
      {"0\r\nA: \x01\r\n", Outcome::bad_trailer},
      {"0\r\n\rx", Outcome::bad_trailer},
      {"0\r\n\n", Outcome::bad_trailer},
  };
  for (const auto& [bytes, outcome] : wrong) {
    BOOST_TEST((decode(bytes).outcome == outcome), bytes);
  }
}

BOOST_AUTO_TEST_CASE(sizes_and_trailers_in_every_form_are_read) {
  const Decoded decoded =
      decode("00a\r\n0123456789\r\nA\r\nabcdefghij\r\n000\r\nX: y\r\nZ:\r\nT: \t\xff\r\n\r\nrest");
  BOOST_TEST((decoded.outcome == Outcome::complete));
  BOOST_TEST(decoded.body == "0123456789abcdefghij");
  BOOST_TEST(decoded.consumed == 56u);
}

BOOST_AUTO_TEST_CASE(framing_without_end_is_too_large) {
  for (const std::string& endless : {std::string(70'000, '0'), ";a=\"" + std::string(70'000, 'x'),
                                     "\r\n\r\n" + std::string(70'000, 'x')}) {
    ChunkedDecoder decoder;
    std::string body;
    const auto progress = decoder.decode("0" + endless, body, 20);
    BOOST_TEST((progress.outcome == Outcome::too_large || endless.starts_with("\r\n\r\n")));
    BOOST_TEST(progress.consumed <= ChunkedDecoder::kFramingSizeMax + 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
