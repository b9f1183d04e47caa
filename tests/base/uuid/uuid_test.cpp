#include "base/uuid/uuid.h"

#include <boost/test/unit_test.hpp>

#include "base/uuid/uuid_v7.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(uuid)

BOOST_AUTO_TEST_CASE(formats_what_it_parsed) {
  const std::string text = "0193391e-9ab4-7def-8abc-0123456789ab";
  BOOST_TEST(to_string(parse_uuid(text).value()) == text);
  BOOST_TEST(to_string(parse_uuid("0193391E-9AB4-7DEF-8ABC-0123456789AB").value()) == text);
}

BOOST_AUTO_TEST_CASE(rejects_every_other_form) {
  for (const char* text :
       {"", "0193391e", "0193391e-9ab4-7def-8abc-0123456789a",
        "0193391e-9ab4-7def-8abc-0123456789abc", "{193391e-9ab4-7def-8abc-0123456789a}",
        "0193391g-9ab4-7def-8abc-0123456789ab", "0193391e09ab4-7def-8abc-0123456789ab"}) {
    BOOST_TEST(!parse_uuid(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(version_7_carries_its_time_version_and_variant) {
  UuidV7Generator generator;
  const Uuid uuid = generator.next(0x0193391e9ab4);
  BOOST_TEST(to_string(uuid).substr(0, 15) == "0193391e-9ab4-7");
  BOOST_TEST((uuid.bytes[8] & 0xc0) == 0x80);
}

BOOST_AUTO_TEST_CASE(version_7_only_ever_increases) {
  UuidV7Generator generator;
  Uuid last;
  for (int i = 0; i < 200'000; ++i) {
    const std::int64_t clock = 1'763'388'000'000 + i / 1000 - (i % 7 == 0 ? 5 : 0);
    const Uuid next = generator.next(clock);
    BOOST_REQUIRE(last < next);
    last = next;
  }
}

BOOST_AUTO_TEST_SUITE_END()
