#include "handlers/pipeline/deletion_clock.h"

#include <algorithm>

namespace picortex {

void DeletionClock::start(std::optional<std::int64_t> good_ms) {
  if (clock_) return;
  clock_.emplace(reactor_.time(), good_ms);
  const std::int64_t ahead_ms = clock_->ahead_ms(reactor_.time());
  if (ahead_ms <= kAheadMaxMs && ahead_ms >= -TrustedClock::kToleranceMs) return;
  log_.line(Level::warn, "clock.jump")
      .number("by_ms", ahead_ms)
      .message(ahead_ms > 0
                   ? "the clock is more than a day ahead of when picortex last ran; if that is not "
                     "how long it was down, set the clock: deletion by age uses the earlier time "
                     "until the clock has been steady for an hour"
                   : "the clock is earlier than when picortex last ran; set the clock if it is "
                     "wrong: deletion by age waits until it has caught up");
}

bool DeletionClock::look() {
  if (!clock_) return false;
  const auto jump_ms = clock_->observe(reactor_.time());
  if (!jump_ms) return false;
  log_.line(Level::warn, "clock.jump")
      .number("by_ms", *jump_ms)
      .message(clock_->disagrees(reactor_.time())
                   ? "the wall clock was set; deletion by age uses the earlier of it and the time "
                     "before, until it has been steady for an hour"
                   : "the wall clock was set to the time that deletion by age uses");
  return true;
}

std::int64_t DeletionClock::now_ms() const noexcept {
  return clock_ ? std::max<std::int64_t>(clock_->now_ms(reactor_.time()), 0) : 0;
}

std::int64_t DeletionClock::latest_ms() const noexcept {
  return std::max(reactor_.unix_ms(), good_ms().value_or(0));
}

std::optional<std::int64_t> DeletionClock::good_ms() const noexcept {
  if (!clock_) return std::nullopt;
  return clock_->good_ms(reactor_.time());
}

bool DeletionClock::is_waiting() const noexcept {
  return clock_ && clock_->disagrees(reactor_.time());
}

AcceptedTimes DeletionClock::accepted(const RetentionLimits& limits,
                                      std::int64_t oldest_by_size_ms) const {
  AcceptedTimes times{.oldest_by_size_ms = oldest_by_size_ms,
                      .newest_ms = std::min(latest_ms() + kAheadMaxMs, kLatestUnixMs)};
  if (limits.age_max_ms > 0) {
    times.oldest_by_age_ms = std::max<std::int64_t>(now_ms() - limits.age_max_ms, 0);
  }
  return times;
}

}  // namespace picortex
