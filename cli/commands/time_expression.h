#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// A span of time, or an instant where both ends are the same. Unix milliseconds.
struct TimeSpan {
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = 0;  // exclusive

  bool is_instant() const noexcept { return begin_ms == end_ms; }
};

// A time as people write it, in any case, in the local zone (tzset(3)):
//
//   today, yesterday, 2026-11-17          the whole day, however many hours it has
//   tuesday, tue                          the latest one, which may be today
//   last tuesday                          the latest one before today
//   nov 17, 17 november, nov 17 2025      that day; without a year the latest that has come
//   this week, last month, last year      all of it; a week begins on Monday
//   14:00, 14:00:05.123, 9am, noon        that instant of today
//   yesterday 14:00, monday 9am, …        that instant of the day
//   now, 2h, 1h30m, 3d, 90 minutes ago    that long ago; days and weeks at the same time of day
//   2026-11-17T14:00Z, …+01:00            RFC 3339
//   1763388192, 1763388192123            seconds or milliseconds since 1970, as in POST /api/events
//
// A time of day that occurs twice, when clocks are set back, means the first. One that is skipped,
// when clocks are set forward, is moved forward by the same amount. Returns nothing for anything
// else, and for times outside 1970 to kLatestUnixMs.
std::optional<TimeSpan> parse_time_expression(std::string_view text, std::int64_t now_ms);

// Formats like "2026-11-17 14:03:12.123" in the local zone.
std::string local_time(std::int64_t unix_ms);

// Formats the zone in force at that time, like "CET, UTC+01:00".
std::string zone_name(std::int64_t unix_ms);

}  // namespace picortex
