#include "storage/event_id.h"

#include <boost/test/unit_test.hpp>

#include "base/time/timestamp.h"
#include "base/uuid/uuid_v7.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(event_ids)

BOOST_AUTO_TEST_CASE(places_and_version_7_ids_map_one_to_one) {
  UuidV7Generator generator;
  for (int i = 0; i < 10'000; ++i) {
    const Uuid id = generator.next(1'763'388'000'000 + i);
    BOOST_REQUIRE(event_place(id).has_value());
    BOOST_REQUIRE(event_id(*event_place(id)) == id);
  }
}

BOOST_AUTO_TEST_CASE(the_id_spells_time_sequence_and_tail) {
  const EventPlace place{first_key_of(0x0193391e9ab4) | 0xabcde, 0x3f'1234'5678'9abc};
  BOOST_TEST(to_string(event_id(place)) == "0193391e-9ab4-7abc-b7bf-123456789abc");
  BOOST_TEST(time_of(place.key) == 0x0193391e9ab4);
}

BOOST_AUTO_TEST_CASE(the_extremes_survive) {
  const std::int64_t last = first_key_of(kLatestUnixMs + 1) - 1;
  for (const EventPlace place : {EventPlace{0, 0}, EventPlace{last, EventPlace::kTailMask}}) {
    BOOST_TEST((event_place(event_id(place)) == place));
  }
}

BOOST_AUTO_TEST_CASE(other_versions_variants_and_times_have_no_place) {
  for (const char* text :
       {"0193391e-9ab4-4abc-8abc-0123456789ab", "0193391e-9ab4-7abc-cabc-0123456789ab",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"}) {
    BOOST_TEST(!event_place(parse_uuid(text).value()).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
