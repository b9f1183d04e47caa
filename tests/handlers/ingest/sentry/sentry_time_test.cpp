#include "handlers/ingest/sentry/sentry_time.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(sentry_time)

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

std::optional<std::int64_t> read(const std::string& json) {
  static simdjson::dom::parser parser;
  SentryValue value;
  BOOST_REQUIRE(parser.parse(json).get(value) == simdjson::SUCCESS);
  return sentry_timestamp(value);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_timestamp_is_seconds_or_text) {
  BOOST_TEST(read("1800000000").value() == kNow);
  BOOST_TEST(read("1800000000.25").value() == kNow + 250);
  BOOST_TEST(read("\"2027-01-15T08:00:00Z\"").value() == kNow);
  BOOST_TEST(read("\"2027-01-15T08:00:00.5+00:00\"").value() == kNow + 500);
  BOOST_TEST(read("\"2027-01-15T08:00:00.123456\"").value() == kNow + 123);
  for (const char* none : {"null", "true", "\"\"", "\"yesterday\"", "-1", "1e300", "[]", "{}",
                           "18446744073709551615", "\"2027-13-15T08:00:00\""}) {
    BOOST_TEST(!read(none).has_value(), none);
  }
  BOOST_TEST(!sentry_timestamp(std::nullopt).has_value());
}

BOOST_AUTO_TEST_CASE(an_event_kept_while_offline_has_its_own_time) {
  for (const std::int64_t age : {std::int64_t{0}, kMinute, kDay, 29 * kDay}) {
    const auto time = SentryTime::of(kNow - age, kNow, kNow, 0);
    BOOST_TEST(time.time_ms == kNow - age);
    BOOST_TEST(time.is_own);
  }
  BOOST_TEST(SentryTime::of(std::nullopt, std::nullopt, kNow, 0).time_ms == kNow);
  BOOST_TEST(SentryTime::of(std::nullopt, kNow - kDay, kNow, 0).is_own);
  BOOST_TEST(SentryTime::of(kNow + kMinute, std::nullopt, kNow, 0).is_own);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_kept_counts_as_now) {
  for (const std::int64_t time : {kNow - 31 * kDay, kNow + 2 * kMinute, std::int64_t{0}}) {
    const auto settled = SentryTime::of(time, kNow, kNow, 0);
    BOOST_TEST(settled.time_ms == kNow);
    BOOST_TEST(!settled.is_own);
  }
  // With a day of retention.
  BOOST_TEST(SentryTime::of(kNow - kDay / 2, kNow, kNow, kDay).is_own);
  BOOST_TEST(SentryTime::of(kNow - kDay + kMinute, kNow, kNow, kDay).time_ms == kNow);
  BOOST_TEST(SentryTime::of(kNow - 2 * kDay, kNow, kNow, kDay).time_ms == kNow);
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_off_is_corrected) {
  for (const std::int64_t off : {-300 * kDay, -2 * 60 * kMinute, 2 * 60 * kMinute, 300 * kDay}) {
    const auto time = SentryTime::of(kNow + off - kMinute, kNow + off, kNow, 0);
    BOOST_TEST(time.time_ms == kNow - kMinute);
    BOOST_TEST(!time.is_own);
  }
  // A little is the way's.
  BOOST_TEST(SentryTime::of(kNow - 40 * kMinute, kNow - 30 * kMinute, kNow, 0).time_ms ==
             kNow - 40 * kMinute);
}

BOOST_AUTO_TEST_SUITE_END()
