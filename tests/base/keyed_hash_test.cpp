#include "base/keyed_hash.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(keyed_hash)

// From OpenSSL's SIPHASH with c-rounds 1, d-rounds 3, key 00 01 … 0f, message 00 01 ….
BOOST_AUTO_TEST_CASE(agrees_with_openssl) {
  const KeyedHash hash(0x0706050403020100, 0x0f0e0d0c0b0a0908);
  std::string message;
  for (char c = 0; c < 33; ++c) message += c;
  const std::string_view text = message;
  BOOST_TEST(hash("") == 0xabac0158050fc4dcu);
  BOOST_TEST(hash(text.substr(0, 7)) == 0xd3927d989bb11140u);
  BOOST_TEST(hash(text.substr(0, 8)) == 0x369095118d299a8eu);
  BOOST_TEST(hash(text.substr(0, 15)) == 0xd320d86d2a519956u);
  BOOST_TEST(hash(text) == 0x4d54b9e57a8ff9bfu);
}

BOOST_AUTO_TEST_CASE(each_has_a_key_of_its_own) {
  BOOST_TEST(KeyedHash()("a") != KeyedHash()("a"));
}

BOOST_AUTO_TEST_SUITE_END()
