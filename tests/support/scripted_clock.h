#pragma once

#include <cstdint>

#include "base/time/clock.h"

namespace picortex::test {

// Clocks that stand still until the test moves them.
class ScriptedClock final : public Clock {
 public:
  static constexpr std::int64_t kStartUnixMs = 1'794'924'000'000;  // in November 2026
  static constexpr Instant kStart{std::chrono::hours(1)};

  Instant now() const noexcept override { return time_.monotonic; }
  std::int64_t unix_ms() const noexcept override { return time_.unix_ms; }

  // Lets time pass. The wall clock counts whole milliseconds, and loses no part of one.
  void advance(Nanoseconds time) noexcept {
    const std::int64_t before_ms = time_.monotonic_ms();
    time_.monotonic += time;
    time_.unix_ms += time_.monotonic_ms() - before_ms;
  }
  // Sets the wall clock by that much, as a person or a time server does.
  void set_wall_by(std::int64_t by_ms) noexcept { time_.unix_ms += by_ms; }

 private:
  ClockReading time_{kStart, kStartUnixMs};
};

}  // namespace picortex::test
