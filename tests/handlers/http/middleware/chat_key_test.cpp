#include "handlers/http/middleware/chat_key.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(chat_keys)

BOOST_AUTO_TEST_CASE(a_key_is_of_one_chat_and_one_secret) {
  const std::string key = chat_key("secret", "chat-1");
  BOOST_TEST(key.size() == 64u);
  BOOST_TEST(is_chat_key("secret", "chat-1", key));
  BOOST_TEST(!is_chat_key("secret", "chat-2", key));
  BOOST_TEST(!is_chat_key("another", "chat-1", key));
  for (const std::string& wrong : {std::string(), key + "0", key.substr(1), std::string(64, '0')}) {
    BOOST_TEST(!is_chat_key("secret", "chat-1", wrong), wrong);
  }
  // The two kinds of secrets that follow from a token have nothing in common.
  BOOST_TEST(telemetry_token("secret").find(chat_key("secret", "telemetry")) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(any_chat_survives_its_way_through_a_header) {
  for (const std::string& chat :
       {std::string("chat-1"), std::string("+49 170"), std::string("a%2Cb,c=d"),
        std::string("\xc3\xa9\xf0\x9f\x98\x80"), std::string("\x01\x7f"), std::string()}) {
    const std::string encoded = encode_chat(chat);
    BOOST_TEST(encoded.find_first_of(" ,=\x7f") == std::string::npos);
    BOOST_TEST(decode_chat(encoded) == chat);
  }
  BOOST_TEST(encode_chat("+49 170") == "+49%20170");
  // What is not encoded is taken as it is.
  for (const char* text : {"100%", "%", "%4", "%zz"}) BOOST_TEST(decode_chat(text) == text);
}

BOOST_AUTO_TEST_SUITE_END()
