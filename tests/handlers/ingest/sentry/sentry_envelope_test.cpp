#include "handlers/ingest/sentry/sentry_envelope.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/handlers/padded_body.h"

using namespace picortex;
using namespace std::string_view_literals;

namespace {

struct SentryEnvelopeFixture {
  JsonDocument document{1 << 20};
  std::string id;                  // of the header
  std::vector<std::string> items;  // "type: payload"

  // Empty when all of it was taken, else the error.
  std::string read(std::string_view text) {
    id.clear();
    items.clear();
    PaddedBody body(text);
    SentryEnvelope envelope(document, body.bytes());
    const auto header = envelope.read_header();
    if (!header) return header.error().what;
    if (*header) id = sentry_id_text(**header);
    while (true) {
      const auto item = envelope.next();
      if (!item) return item.error().what;
      if (!*item) return "";
      items.push_back(std::string((*item)->type) + ": " +
                      std::string((*item)->payload.data(), (*item)->payload.size()));
    }
  }
};

using Items = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sentry_envelope, SentryEnvelopeFixture)

BOOST_AUTO_TEST_CASE(without_a_length_a_payload_ends_with_its_line) {
  BOOST_TEST(read("{}\n{\"type\":\"a\"}\n1\n{\"type\":\"b\"}\n2\n") == "");
  BOOST_TEST(items == (Items{"a: 1", "b: 2"}));
  BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":null}\n1") == "");
  BOOST_TEST(items == Items{"a: 1"});
}

BOOST_AUTO_TEST_CASE(with_a_length_it_may_hold_any_bytes) {
  BOOST_TEST(
      read("{}\n{\"type\":\"attachment\",\"length\":6}\n\n\xff\0{\n\n\n{\"type\":\"b\"}\n2"sv) ==
      "");
  BOOST_TEST((items == Items{std::string("attachment: \n\xff\0{\n\n"sv), "b: 2"}));
}

BOOST_AUTO_TEST_CASE(the_last_newline_may_be_missing) {
  BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":3}\nabc") == "");
  BOOST_TEST(items == Items{"a: abc"});
  BOOST_TEST(read("{}\n{\"type\":\"a\"}") == "");
  BOOST_TEST(items == Items{"a: "});
}

BOOST_AUTO_TEST_CASE(a_payload_may_be_empty) {
  BOOST_TEST(read("{}\n{\"type\":\"a\"}\n\n{\"type\":\"b\",\"length\":0}\n\n"
                  "{\"type\":\"c\",\"length\":0}\n{\"type\":\"d\",\"length\":0}") ==
             "item 2 must end in a newline after its length");
  BOOST_TEST(items == (Items{"a: ", "b: "}));
  BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":0}\n\n{\"type\":\"b\",\"length\":0}\n") == "");
  BOOST_TEST(items == (Items{"a: ", "b: "}));
}

BOOST_AUTO_TEST_CASE(empty_lines_between_items_are_passed_over) {
  BOOST_TEST(read("{}\n\n\n{\"type\":\"a\",\"length\":1}\n1\n\n\n{\"type\":\"b\"}\n2\n\n\n") == "");
  BOOST_TEST(items == (Items{"a: 1", "b: 2"}));
}

BOOST_AUTO_TEST_CASE(there_may_be_no_items) {
  for (const char* text : {"{}", "{}\n", "{}\n\n\n"}) {
    BOOST_TEST(read(text) == "");
    BOOST_TEST(items.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_header_reports_the_id) {
  BOOST_TEST(read("{\"event_id\":\"9EC79C33EC9942AB8353589FCB2E04DC\"}\n") == "");
  BOOST_TEST(id == "9ec79c33ec9942ab8353589fcb2e04dc");
  BOOST_TEST(read("{\"event_id\":\"9ec79c33-ec99-42ab-8353-589fcb2e04dc\"}\n") == "");
  BOOST_TEST(id == "9ec79c33ec9942ab8353589fcb2e04dc");
  for (const char* text :
       {"\"9ec79c33ec9942ab8353589fcb2e04d\"", "\"9ec79c33ec9942ab8353589fcb2e04dg\"", "1", "null",
        "\"00000000000000000000000000000000\"", "\"9ec79c33-ec9942ab8353589fcb2e04dc\"", "\"\""}) {
    BOOST_TEST(read("{\"event_id\":" + std::string(text) + "}\n") == "");
    BOOST_TEST(id == "");
  }
}

BOOST_AUTO_TEST_CASE(a_length_beyond_the_end_is_rejected) {
  BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":4}\nabc") ==
             "item 0 is longer than the rest of the envelope");
  BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":18446744073709551615}\nabc") ==
             "item 0 is longer than the rest of the envelope");
  BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":1}") ==
             "item 0 is longer than the rest of the envelope");
}

BOOST_AUTO_TEST_CASE(a_length_that_is_no_size_is_rejected) {
  for (const char* length : {"-1", "1.5", "1e2", "\"3\"", "true", "[]", "18446744073709551616"}) {
    BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":" + std::string(length) + "}\nabc\n") ==
                   "item 0 length must be a number of bytes",
               length);
  }
}

BOOST_AUTO_TEST_CASE(a_length_that_ends_within_a_line_is_rejected) {
  BOOST_TEST(read("{}\n{\"type\":\"a\",\"length\":2}\nabc\n") ==
             "item 0 must end in a newline after its length");
}

BOOST_AUTO_TEST_CASE(headers_must_be_objects_and_have_a_type) {
  BOOST_TEST(read("") == "envelope header is empty");
  BOOST_TEST(read("\n{}") == "envelope header is empty");
  BOOST_TEST(read("[]\n") == "envelope header must be object");
  BOOST_TEST(read("{}\n[]\n1") == "item 0 header must be object");
  BOOST_TEST(read("{}\n{\"type\":\"a\"}\n1\n{}\n2") == "item 1 type must be string");
  BOOST_TEST(read("{}\n{\"type\":1}\n1") == "item 0 type must be string");
  BOOST_TEST(read("{}\nnot json\n") ==
             "item 0 header is not valid JSON: a word is none of true, false, null");
}

BOOST_AUTO_TEST_CASE(items_are_bounded_in_number) {
  std::string text = "{}\n";
  for (std::size_t i = 0; i < SentryEnvelope::kItemsMax; ++i) text += "{\"type\":\"a\"}\n\n";
  BOOST_TEST(read(text) == "");
  BOOST_TEST(items.size() == SentryEnvelope::kItemsMax);
  BOOST_TEST(read(text + "{\"type\":\"a\"}\n\n") == "envelope has more than 100 items");
}

BOOST_AUTO_TEST_SUITE_END()
