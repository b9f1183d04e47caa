#pragma once

#include <cstdint>
#include <optional>

namespace picortex {

// Decides when the owner is told that health has turned: degraded for kSettleMs, so that nothing
// short is told, nor the moment of a start; then well again, at once. What is degraded for good is
// told once, and what flutters not more often than every kCooldownMs. Times are of a monotonic
// clock, in milliseconds.
class HealthWatch {
 public:
  static constexpr std::int64_t kSettleMs = 30'000;
  static constexpr std::int64_t kCooldownMs = 5 * 60'000;

  enum class Turn : std::uint8_t { degraded, ok };

  std::optional<Turn> look(bool is_ok, std::int64_t now_ms) noexcept {
    if (is_ok) {
      degraded_since_ms_.reset();
      if (!is_told_) return std::nullopt;
      is_told_ = false;
      return Turn::ok;
    }
    if (!degraded_since_ms_) degraded_since_ms_ = now_ms;
    const bool is_fresh = told_ms_ && now_ms - *told_ms_ < kCooldownMs;
    if (is_told_ || is_fresh || now_ms - *degraded_since_ms_ < kSettleMs) return std::nullopt;
    is_told_ = true;
    told_ms_ = now_ms;
    return Turn::degraded;
  }

 private:
  std::optional<std::int64_t> degraded_since_ms_;
  std::optional<std::int64_t> told_ms_;
  bool is_told_ = false;  // that it is degraded, and not yet that it is well again
};

}  // namespace picortex
