#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace picortex {

// How much of what is only claimed may be stored: a number of events and bytes a minute, for all
// senders together, so that an agent with a telemetry token cannot flood the store. A token bucket:
// what was not used is saved up for one minute.
class TelemetryBudget {
 public:
  static constexpr std::uint32_t kBytesPerEvent = 2048;

  // `events_per_minute`: 0 lifts the limit.
  explicit TelemetryBudget(std::uint32_t events_per_minute) noexcept;
  void set_limit(std::uint32_t events_per_minute) noexcept;

  // Whether anything is left. The request that uses it up is still taken, so that one that is
  // larger than what is left is not rejected for ever; the debt is paid off first.
  bool has_room(std::int64_t now_ms) noexcept;
  void spend(std::size_t events, std::size_t bytes) noexcept;

  // The limit in events a minute; 0: none.
  std::uint32_t limit() const noexcept { return limit_; }
  // How many events may be stored now, below 0 for a debt; none: any number.
  std::optional<std::int64_t> left(std::int64_t now_ms) const noexcept;

 private:
  double left_at(std::int64_t now_ms) const noexcept;

  std::uint32_t limit_ = 0;
  double events_per_ms_ = 0;  // 0: no limit
  double events_ = 0;         // left; below 0: a debt
  std::int64_t refilled_ms_ = 0;
};

}  // namespace picortex
