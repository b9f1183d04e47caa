#include "handlers/ingest/linq_decoder.h"

#include <boost/test/unit_test.hpp>

#include "tests/handlers/padded_body.h"

using namespace picortex;

namespace {

struct LinqFixture {
  LinqEvent decode(std::string_view text) {
    PaddedBody body(text);
    LinqEvent event;
    const auto done = decoder.decode(body.bytes(), event);
    if (!done) BOOST_FAIL(done.error().what);
    return event;
  }
  std::string rejection(std::string_view text) {
    PaddedBody body(text);
    LinqEvent event;
    const auto done = decoder.decode(body.bytes(), event);
    BOOST_TEST(!done.has_value(), text);
    return done ? "" : done.error().what;
  }

  JsonDocument document{1024 * 1024};
  LinqDecoder decoder{document};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(linq_decoder, LinqFixture)

BOOST_AUTO_TEST_CASE(a_message_has_its_chat_and_its_text) {
  const LinqEvent event = decode(
      R"({"event_type":"message.received","event_id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8",)"
      R"("data":{"chat":{"id":"c1"},"parts":[{"type":"text","value":"one"},)"
      R"({"type":"media","value":"http://x"},{"value":"two"},7,{"type":"text"}]}})");
  BOOST_TEST(event.event_type == "linq.inbound");
  BOOST_TEST(to_string(event.id) == "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
  BOOST_TEST(event.chat_id == "c1");
  BOOST_TEST(event.msg == "one\ntwo");
  BOOST_TEST(event.data.starts_with(R"({"event_type":"message.received",)"));
}

BOOST_AUTO_TEST_CASE(other_types_keep_their_names_and_need_no_data) {
  const LinqEvent event = decode(R"({"event_type":"chat.created","event_id":"x"})");
  BOOST_TEST(event.event_type == "linq.chat.created");
  BOOST_TEST(event.chat_id.empty());
  BOOST_TEST(event.msg.empty());
}

BOOST_AUTO_TEST_CASE(an_id_that_is_no_uuid_becomes_always_the_same_one) {
  const auto id = [this](std::string_view event_id) {
    return decode(R"({"event_type":"a","event_id":")" + std::string(event_id) + "\"}").id;
  };
  BOOST_TEST((id("evt_1") == id("evt_1")));
  BOOST_TEST((id("evt_1") != id("evt_2")));
  BOOST_TEST((id("evt_1").bytes[6] >> 4) == 8);
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_in_msg_and_whole_in_the_data) {
  std::string text;
  while (text.size() < 20'000) text += "ä";
  const LinqEvent event =
      decode(R"({"event_type":"message.received","event_id":"x","data":{"parts":[{"value":")" +
             text + "\"}]}}");
  BOOST_TEST(event.msg.size() == LinqDecoder::kMsgSizeMax);
  BOOST_TEST(event.msg == text.substr(0, event.msg.size()));
  BOOST_TEST(event.data.find(text) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_no_envelope_is_rejected_with_a_reason) {
  BOOST_TEST(rejection("").find("Body is empty") == 0u);
  BOOST_TEST(rejection("[]") == "body must be object");
  BOOST_TEST(rejection(R"({"event_id":"x"})").find("body/event_type must be string") == 0u);
  BOOST_TEST(rejection(R"({"event_type":7,"event_id":"x"})").find("body/event_type") == 0u);
  BOOST_TEST(rejection(R"({"event_type":"a\u0000","event_id":"x"})").find("body/event_type") == 0u);
  BOOST_TEST(rejection(R"({"event_type":")" + std::string(124, 'a') + R"(","event_id":"x"})")
                 .find("body/event_type") == 0u);
  BOOST_TEST(rejection(R"({"event_type":"a"})").find("body/event_id") == 0u);
  BOOST_TEST(rejection(R"({"event_type":"a","event_id":""})").find("body/event_id") == 0u);
  BOOST_TEST(rejection(R"({"event_type":"a","event_id":"x","data":{"chat":{"id":")" +
                       std::string(257, 'c') + R"("}}})") ==
             "body/data/chat/id has over 256 bytes");
  BOOST_TEST(rejection(R"({"event_type":"a","event_id":"x","__proto__":{}})")
                 .find("forbidden prototype property") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_of_the_event_before_is_left) {
  LinqEvent event;
  PaddedBody first(
      R"({"event_type":"message.received","event_id":"x","data":{"chat":{"id":"c"},"parts":[{"value":"t"}]}})");
  BOOST_REQUIRE(decoder.decode(first.bytes(), event).has_value());
  PaddedBody second(R"({"event_type":"a","event_id":"y"})");
  BOOST_REQUIRE(decoder.decode(second.bytes(), event).has_value());
  BOOST_TEST(event.chat_id.empty());
  BOOST_TEST(event.msg.empty());
  BOOST_TEST(event.data == R"({"event_type":"a","event_id":"y"})");
}

BOOST_AUTO_TEST_SUITE_END()
