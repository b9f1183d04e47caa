#include "base/time/trusted_clock.h"

#include <algorithm>

namespace picortex {
namespace {

bool are_close(std::int64_t a_ms, std::int64_t b_ms) noexcept {
  return std::max(a_ms, b_ms) - std::min(a_ms, b_ms) <= TrustedClock::kToleranceMs;
}

}  // namespace

TrustedClock::TrustedClock(const ClockReading& first, std::optional<std::int64_t> good_ms)
    : good_offset_ms_(good_ms.value_or(first.unix_ms) - first.monotonic_ms()),
      candidate_offset_ms_(first.unix_ms - first.monotonic_ms()),
      candidate_since_ms_(first.monotonic_ms()) {}

std::optional<std::int64_t> TrustedClock::observe(const ClockReading& time) noexcept {
  const std::int64_t monotonic_ms = time.monotonic_ms();
  const std::int64_t offset_ms = time.unix_ms - monotonic_ms;
  // The candidate keeps the offset from the beginning of its hour: a clock that drifts by less than
  // a minute at each reading does not agree with itself.
  if (!are_close(offset_ms, candidate_offset_ms_)) {
    const std::int64_t jump_ms = offset_ms - candidate_offset_ms_;
    candidate_offset_ms_ = offset_ms;
    candidate_since_ms_ = monotonic_ms;
    return jump_ms;
  }
  if (monotonic_ms - candidate_since_ms_ >= kProbationMs) {
    good_offset_ms_ = candidate_offset_ms_ = offset_ms;
    candidate_since_ms_ = monotonic_ms;
  }
  return std::nullopt;
}

std::int64_t TrustedClock::now_ms(const ClockReading& time) const noexcept {
  return std::min(time.unix_ms, good_ms(time));
}

bool TrustedClock::disagrees(const ClockReading& time) const noexcept {
  return !are_close(time.unix_ms, good_ms(time));
}

}  // namespace picortex
