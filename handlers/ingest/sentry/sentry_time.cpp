#include "handlers/ingest/sentry/sentry_time.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/time/timestamp.h"

namespace picortex {

std::optional<std::int64_t> sentry_timestamp(const std::optional<SentryValue>& value) {
  if (!value) return std::nullopt;
  if (std::string_view text; !value->get(text)) {
    if (const auto time = parse_iso_time(text)) return time;
    // Python's datetime.isoformat() of a naive time, which is UTC.
    return text.size() > 40 ? std::nullopt : parse_iso_time(std::string(text) + 'Z');
  }
  double seconds = 0;
  if (value->get(seconds) || !(seconds >= 0) || seconds * 1000 > double(kLatestUnixMs)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(std::llround(seconds * 1000));
}

SentryTime SentryTime::of(std::optional<std::int64_t> timestamp,
                          std::optional<std::int64_t> sent_at, std::int64_t now_ms,
                          std::int64_t age_max_ms) noexcept {
  if (!timestamp) return {.time_ms = now_ms};
  const std::int64_t drift = sent_at ? now_ms - *sent_at : 0;
  const bool has_drifted = std::abs(drift) >= kDriftMinMs;
  const std::int64_t time = *timestamp + (has_drifted ? drift : 0);
  // A tenth less than what is kept, so that no event is deleted as soon as it is stored.
  const std::int64_t kept_ms = age_max_ms == 0 ? kAgeMaxMs : age_max_ms - age_max_ms / 10;
  const std::int64_t age_max = std::min(kAgeMaxMs, kept_ms);
  if (time > now_ms + kAheadMaxMs || time < now_ms - age_max) {
    return {.time_ms = now_ms, .is_own = false};
  }
  return {.time_ms = time, .is_own = time == *timestamp};
}

}  // namespace picortex
