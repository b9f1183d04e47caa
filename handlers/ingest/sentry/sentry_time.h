#pragma once

#include <cstdint>
#include <optional>

#include "handlers/ingest/sentry/sentry_values.h"

namespace picortex {

// Parses a Sentry timestamp: seconds since 1970 with a fraction, or RFC 3339, where no zone means
// UTC. Returns Unix milliseconds; nothing for anything else.
std::optional<std::int64_t> sentry_timestamp(const std::optional<SentryValue>& value);

// The time under which an event is stored. An SDK that was offline sends events later: `timestamp`
// is the event's own and `sent_at` is the time of sending by the SDK's clock.
struct SentryTime {
  static constexpr std::int64_t kAgeMaxMs = std::int64_t{30} * 24 * 3600 * 1000;
  static constexpr std::int64_t kAheadMaxMs = std::int64_t{60} * 1000;
  static constexpr std::int64_t kDriftMinMs = std::int64_t{55} * 60 * 1000;

  // Follows Sentry: corrects a client's clock that is off by 55 minutes or more; a time that is
  // then more than a minute ahead, or 30 days or nearly `age_max_ms` back, counts as now. So a
  // client cannot write into the past at will, and nothing is stored that retention deletes at
  // once. `age_max_ms` is retention's limit; 0: none.
  static SentryTime of(std::optional<std::int64_t> timestamp, std::optional<std::int64_t> sent_at,
                       std::int64_t now_ms, std::int64_t age_max_ms) noexcept;

  std::int64_t time_ms = 0;
  bool is_own = true;  // false: the event has a time, but `time_ms` is another
};

}  // namespace picortex
