#include "base/time/timestamp.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(timestamp)

BOOST_AUTO_TEST_CASE(formats_and_reads_back) {
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{951'782'400'000},
                                std::int64_t{1'763'388'000'123}, kLatestUnixMs}) {
    BOOST_TEST(parse_iso_time(iso_time(ms)).value() == ms);
  }
  BOOST_TEST(iso_time(0) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(iso_time(kLatestUnixMs) == "2199-12-31T23:59:59.999Z");
}

BOOST_AUTO_TEST_CASE(reads_offsets_fractions_and_short_forms) {
  const auto reads = [](const char* text) { return iso_time(parse_iso_time(text).value()); };
  BOOST_TEST(reads("2026-11-17T14:00:00+01:00") == "2026-11-17T13:00:00.000Z");
  BOOST_TEST(reads("2026-11-17 14:00Z") == "2026-11-17T14:00:00.000Z");
  BOOST_TEST(reads("2026-11-17T14:00:00.123456Z") == "2026-11-17T14:00:00.123Z");
  BOOST_TEST(reads("2026-11-17T14:00:00.5Z") == "2026-11-17T14:00:00.500Z");
}

BOOST_AUTO_TEST_CASE(reads_basic_forms_and_offsets_without_a_colon) {
  const auto reads = [](const char* text) { return iso_time(parse_iso_time(text).value()); };
  for (const char* text :
       {"2026-11-17T14:00:00+0000", "2026-11-17T15:00:00+0100", "2026-11-17T15:00:00+01",
        "2026-11-17T13:30:00-00:30", "2026-11-17 14:00:00 +0000", "20261117T140000Z",
        "20261117T1400Z", "20261117T160000+0200", "20261117T140000.000Z", "2026-11-17T140000Z",
        "20261117T14:00:00Z"}) {
    BOOST_TEST(reads(text) == "2026-11-17T14:00:00.000Z", text);
  }
}

BOOST_AUTO_TEST_CASE(rejects_what_is_not_a_time) {
  for (const char* text : {"",
                           "2026",
                           "2026-11-17",
                           "2026-02-30T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-11-17T24:00:00Z",
                           "2026-11-17T14:60:00Z",
                           "2026-11-17T14:00:00",
                           "2026-11-17T14:00:00.Z",
                           "2026-11-17T14:00:00Zx",
                           "1969-12-31T23:59:59Z",
                           "2200-01-01T00:00:00Z",
                           "+026-11-17T14:00:00Z",
                           "2026-11-17T14:00:00+1:00",
                           "2026-11-17T14:00:00+010",
                           "2026-11-17T14:00:00+01000",
                           "2026-11-17T14:00:00+01:",
                           "2026-1117T140000Z",
                           "202611-17T140000Z",
                           "20261117",
                           "20261117T14Z",
                           "20261117T140000",
                           "2026-11-17T14:00:00+2400",
                           "2026-11-17T14:00:0Z"}) {
    BOOST_TEST(!parse_iso_time(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
