#include "handlers/ingest/webhook_signature.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(webhook_signature)

namespace {

// Of the Standard Webhooks' own libraries.
constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view kTimestamp = "1614265330";
constexpr std::string_view kBody = R"({"test": 2432232314})";
constexpr std::string_view kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

bool accepts(std::string_view signatures) {
  return WebhookSecret::parse(kSecret)->has_signed(kId, kTimestamp, kBody, signatures);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_published_vector_is_right) { BOOST_TEST(accepts(kSignature)); }

BOOST_AUTO_TEST_CASE(any_other_text_is_wrong) {
  const auto secret = WebhookSecret::parse(kSecret);
  BOOST_TEST(!secret->has_signed("msg_", kTimestamp, kBody, kSignature));
  BOOST_TEST(!secret->has_signed(kId, "1614265331", kBody, kSignature));
  BOOST_TEST(!secret->has_signed(kId, kTimestamp, "{}", kSignature));
  for (std::size_t i = 0; i < kSignature.size(); ++i) {
    std::string changed(kSignature);
    changed[i] ^= 1;
    BOOST_TEST(!accepts(changed));
    BOOST_TEST(!accepts(kSignature.substr(0, i)));
  }
  BOOST_TEST(!accepts(""));
  BOOST_TEST(!accepts(std::string(kSignature) + "="));
}

BOOST_AUTO_TEST_CASE(one_of_several_will_do_but_not_of_a_crowd) {
  const std::string right(kSignature);
  BOOST_TEST(accepts("v1,AAAA v2,x " + right));
  BOOST_TEST(accepts("  " + right + " "));
  // As a proxy joins several header lines.
  BOOST_TEST(accepts("v1,AAAA, " + right));
  BOOST_TEST(accepts(right + ", v1,AAAA"));
  BOOST_TEST(accepts("v1,AAAA\t" + right + ","));
  BOOST_TEST(!accepts("v1,AAAA," + right));
  std::string crowd;
  for (int i = 0; i < 16; ++i) crowd += "v1,AAAA ";
  BOOST_TEST(!accepts(crowd + right));
}

BOOST_AUTO_TEST_CASE(a_secret_is_base64_of_a_sane_size) {
  BOOST_TEST(WebhookSecret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").has_value());
  BOOST_TEST(WebhookSecret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAA==").has_value());  // 16 bytes
  for (const char* wrong :
       {"", "    QUFBQUFBQUFBQUFBQUFBQUFB", "QUFBQUFBQUFBQUFBQUFBQUFB----", "whsec_", "whsec_AAAA",
        "whsec_AAAAAAAAAAAAAAAAAAAA", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_AAAA=AAAAAAAAAAAAAAAAAAAAAA=", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"}) {
    BOOST_TEST(!WebhookSecret::parse(wrong).has_value(), wrong);
  }
  BOOST_TEST(!WebhookSecret::parse(std::string(4000, 'A')).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
