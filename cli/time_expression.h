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

// A time as people say it, in any case, in the local zone (tzset(3)):
//
//   today, yesterday, 2026-11-17          the whole day, however many hours it has
//   tuesday, tue                          the latest one, which may be today
//   last tuesday                          the latest one before today
//   14:00, 14:00:05, 14:00:05.123         that instant of today
//   yesterday 14:00, last tue 14:00, …    that instant of the day
//   now, 2h, 30m, 3d, 1w, 90 minutes ago  that long ago; days and weeks at the same time of day
//   2026-11-17T14:00Z, …+01:00            RFC 3339
//
// A time of day that comes twice, when clocks go back, is its first; one that never comes, when
// they go forward, is as much later as they go. None for anything else, and outside 1970 to
// kLatestUnixMs.
std::optional<TimeSpan> parse_time_expression(std::string_view text, std::int64_t now_ms);

// "2026-11-17 14:03:12.123" in the local zone.
std::string local_time(std::int64_t unix_ms);

// The zone as of then: "CET, UTC+01:00".
std::string zone_name(std::int64_t unix_ms);

}  // namespace picortex
