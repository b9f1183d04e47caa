#pragma once

#include <cstdint>
#include <optional>

namespace picortex {

// Decides when to report a change of health: degraded after kSettleMs, so that neither a short
// degradation nor the start is reported; then ok, at once. A permanent degradation is reported
// once, and a fluctuating one at most once every kCooldownMs. Times are of a monotonic clock, in
// milliseconds.
class HealthWatch {
 public:
  static constexpr std::int64_t kSettleMs = 30'000;
  static constexpr std::int64_t kCooldownMs = 5 * 60'000;

  enum class Change : std::uint8_t { degraded, ok };

  std::optional<Change> look(bool is_ok, std::int64_t now_ms) noexcept {
    if (is_ok) {
      degraded_since_ms_.reset();
      if (!is_reported_) return std::nullopt;
      is_reported_ = false;
      return Change::ok;
    }
    if (!degraded_since_ms_) degraded_since_ms_ = now_ms;
    const bool is_fresh = reported_ms_ && now_ms - *reported_ms_ < kCooldownMs;
    if (is_reported_ || is_fresh || now_ms - *degraded_since_ms_ < kSettleMs) return std::nullopt;
    is_reported_ = true;
    reported_ms_ = now_ms;
    return Change::degraded;
  }

 private:
  std::optional<std::int64_t> degraded_since_ms_;
  std::optional<std::int64_t> reported_ms_;
  bool is_reported_ = false;  // the degradation was reported, and its end was not yet
};

}  // namespace picortex
