#pragma once

#include <cstdint>
#include <optional>

#include "base/time/clock.h"

namespace picortex {

// The time of day by which things are deleted. It does not believe a single reading of the wall
// clock, which a wrong time server, a dead battery or a person can set to anything: the good time
// is the last one that was believed, carried forward by the monotonic clock.
//
//   state        | entered when                                    | now_ms()
//   agreeing     | the wall clock is within a minute of the good   | the earlier of both
//                | time                                            |
//   disagreeing  | it is further away                              | the earlier of both
//
// The wall clock becomes the good time once it has agreed with itself, within a minute, for an
// hour. So a clock that is ahead deletes nothing early, and one that is behind only delays
// deletion.
//
// Pure: each reading of the clocks is passed in.
class TrustedClock {
 public:
  static constexpr std::int64_t kToleranceMs = 60'000;
  static constexpr std::int64_t kProbationMs = 3'600'000;

  // `good_ms` is the last good time of the previous process; how the wall clock's first reading
  // relates to it is unknown, since the process may have been down for that long. Without it
  // nothing has been stored yet, so the first reading is harmless.
  TrustedClock(const ClockReading& first, std::optional<std::int64_t> good_ms);

  // Records a reading; call it at least once a minute. Returns by how many milliseconds the wall
  // clock was set, if it has left its previous course by more than a minute.
  std::optional<std::int64_t> observe(const ClockReading& time) noexcept;

  // The time to delete by.
  std::int64_t now_ms(const ClockReading& time) const noexcept;
  // The good time, to be saved for the next process.
  std::int64_t good_ms(const ClockReading& time) const noexcept {
    return time.monotonic_ms() + good_offset_ms_;
  }
  // By how much the wall clock is ahead of the good time; negative if it is behind.
  std::int64_t ahead_ms(const ClockReading& time) const noexcept {
    return time.unix_ms - good_ms(time);
  }
  // True while deletion waits, or uses an earlier time than the wall clock.
  bool disagrees(const ClockReading& time) const noexcept;

 private:
  // Wall clock minus monotonic clock: of the good time, and of the time on probation.
  std::int64_t good_offset_ms_;
  std::int64_t candidate_offset_ms_;
  std::int64_t candidate_since_ms_;  // monotonic
};

}  // namespace picortex
