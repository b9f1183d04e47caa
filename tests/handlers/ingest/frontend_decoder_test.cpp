#include "handlers/ingest/frontend_decoder.h"

#include <boost/test/unit_test.hpp>

#include "tests/handlers/padded_body.h"

using namespace picortex;

namespace {

struct FrontendDecoderFixture {
  JsonDocument document{1 << 20};
  FrontendDecoder decoder{document};
  FrontendLog log;

  // Empty when the body was taken, else the error.
  std::string decode(std::string_view text) {
    PaddedBody body(text);
    const auto done = decoder.decode(body.bytes(), log);
    return done ? "" : done.error().what;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(frontend_decoder, FrontendDecoderFixture)

BOOST_AUTO_TEST_CASE(a_message_is_enough) {
  BOOST_TEST(decode(R"({"message":"boom"})") == "");
  BOOST_TEST(bool(log.level == Level::error));
  BOOST_TEST(log.message == "boom");
  BOOST_TEST(log.data == "");
}

BOOST_AUTO_TEST_CASE(the_documents_snippet_is_taken_whole) {
  BOOST_TEST(decode(R"({"level":"warn","message":"m","error":"Error: m","stack":"at a\nat b",
                        "context":{"url":"http://x/","ua":"UA","build":1}})") == "");
  BOOST_TEST(bool(log.level == Level::warn));
  BOOST_TEST(log.data == R"({"error":"Error: m","stack":"at a\nat b",)"
                         R"("context":{"url":"http://x/","ua":"UA","build":1}})");
}

BOOST_AUTO_TEST_CASE(nulls_are_left_out) {
  BOOST_TEST(decode(R"({"message":"m","error":null,"stack":null,"context":null})") == "");
  BOOST_TEST(log.data == "");
}

BOOST_AUTO_TEST_CASE(unknown_members_are_kept_apart) {
  BOOST_TEST(decode(R"({"message":"m","time":1,"pid":0,"extra":2,"event_type":"forged"})") == "");
  BOOST_TEST(log.data == R"({"extra":{"time":1,"pid":0,"extra":2,"event_type":"forged"}})");
  BOOST_TEST(decode(R"({"a":1,"message":"m","context":{},"a":2})") == "");
  BOOST_TEST(log.data == R"({"context":{},"extra":{"a":2}})");
}

BOOST_AUTO_TEST_CASE(of_two_the_last_counts) {
  BOOST_TEST(
      decode(
          R"({"message":1,"level":"x","message":"b","level":"debug","error":"a","error":null})") ==
      "");
  BOOST_TEST(log.message == "b");
  BOOST_TEST(bool(log.level == Level::debug));
  BOOST_TEST(log.data == "");
}

BOOST_AUTO_TEST_CASE(wrong_bodies_are_rejected_in_fastifys_words) {
  BOOST_TEST(decode("{}") == "body must have required property 'message'");
  BOOST_TEST(decode(R"({"message":null})") == "body/message must be string");
  BOOST_TEST(decode("[]") == "body must be object");
  BOOST_TEST(decode("\"message\"") == "body must be object");
  BOOST_TEST(decode("") == "Body is empty");
  BOOST_TEST(decode("{") == "Body is not valid JSON: its brackets, commas or colons do not fit");
  for (const auto level : {"\"fatal\"", "\"trace\"", "\"ERROR\"", "\"\"", "50", "null"}) {
    BOOST_TEST(decode("{\"message\":\"m\",\"level\":" + std::string(level) + "}") ==
               "body/level must be one of error, warn, info, debug");
  }
  BOOST_TEST(decode(R"({"message":"m","error":{}})") == "body/error must be string,null");
  BOOST_TEST(decode(R"({"message":"m","stack":1})") == "body/stack must be string,null");
  BOOST_TEST(decode(R"({"message":"m","context":"c"})") == "body/context must be object");
  BOOST_TEST(decode(R"({"message":"m","context":[]})") == "body/context must be object");
  BOOST_TEST(decode(R"({"message":"m","__proto__":{}})") ==
             "body contains the forbidden prototype property __proto__");
  BOOST_TEST(decode(R"({"message":"m","context":{"a":{"__proto__":{}}}})") ==
             "body/context contains the forbidden prototype property __proto__");
}

BOOST_AUTO_TEST_CASE(no_text_can_leave_its_line) {
  BOOST_TEST(decode("{\"message\":\"a\\nb\\u0000\\ud800\",\"error\":\"\\u001b[2J\\r\\n\\u2028\","
                    "\"stack\":\"\x7f\xc2\x9b\",\"context\":{\"k\\n\":\"\\udfff\"},"
                    "\"x\\u2029\":100000000000000000000}") == "");
  BOOST_TEST(log.message == std::string_view("a\nb\0\ufffd", 7));
  BOOST_TEST(log.data ==
             "{\"error\":\"\\u001b[2J\\r\\n\\u2028\",\"stack\":\"\\u007f\\u009b\","
             "\"context\":{\"k\\n\":\"\ufffd\"},\"extra\":{\"x\\u2029\":1e+20}}");
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_rejected) {
  BOOST_TEST(decode("{\"message\":\"m\",\"context\":{\"a\":" + std::string(1000, '[') +
                    std::string(1000, ']') + "}}") == "Body is nested more than 64 levels deep");
}

BOOST_AUTO_TEST_SUITE_END()
