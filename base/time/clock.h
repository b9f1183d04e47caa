#pragma once

#include <chrono>
#include <cstdint>

namespace picortex {

using Instant = std::chrono::steady_clock::time_point;
using Nanoseconds = std::chrono::nanoseconds;

// Both clocks at one moment: the monotonic one, which measures how long something takes, and the
// wall clock, in milliseconds since 1970, which a person or a time server may set to anything.
struct ClockReading {
  Instant monotonic{};
  std::int64_t unix_ms = 0;

  // Milliseconds since any moment, the same for the whole life of the process.
  std::int64_t monotonic_ms() const noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(monotonic.time_since_epoch())
        .count();
  }
};

// The source of the time. Code that needs the time takes a Clock, so that a test can let hours pass
// without waiting. It must outlive its users.
class Clock {
 public:
  virtual Instant now() const noexcept = 0;
  virtual std::int64_t unix_ms() const noexcept = 0;

  ClockReading read() const noexcept { return {now(), unix_ms()}; }

 protected:
  ~Clock() = default;
};

// The kernel's clocks (clock_gettime(2)): reading one is no system call.
class SystemClock final : public Clock {
 public:
  Instant now() const noexcept override { return std::chrono::steady_clock::now(); }
  std::int64_t unix_ms() const noexcept override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
};

// It has no state, so one instance is enough.
inline constexpr SystemClock kSystemClock{};

}  // namespace picortex
