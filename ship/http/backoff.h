#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace picortex::shipping {

// How long to wait before the next try: 250 ms, doubled with each failure up to a minute, of which
// a random half is taken off so that the hosts of a fleet do not all return at the same moment. A
// server that says for how long gets that, and up to half of the wait on top.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirst{250};
  static constexpr std::chrono::milliseconds kLast{60'000};

  // `random` is any number; equal ones give equal waits.
  std::chrono::milliseconds next(std::chrono::milliseconds asked_for, std::uint32_t random) {
    const std::int64_t half = wait_.count() / 2;
    const std::int64_t part = half * (random % 1024) / 1024;
    wait_ = std::min(wait_ * 2, kLast);
    ++failures_;
    if (asked_for.count() > 0) return asked_for + std::chrono::milliseconds(part);
    return std::chrono::milliseconds(half + part);
  }
  void reset() noexcept {
    wait_ = kFirst;
    failures_ = 0;
  }
  std::int64_t failures() const noexcept { return failures_; }

 private:
  std::chrono::milliseconds wait_ = kFirst;
  std::int64_t failures_ = 0;
};

}  // namespace picortex::shipping
