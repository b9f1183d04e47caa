#pragma once

#include <cstdint>
#include <optional>

#include "base/time/trusted_clock.h"
#include "reactor/log.h"
#include "reactor/reactor.h"
#include "storage/retention.h"

namespace picortex {

// The single authority on the time by which events are deleted and on the times that events may
// have: a TrustedClock on the reactor's clocks that logs `clock.jump`. Part of the EventWriter.
class DeletionClock {
 public:
  // How far ahead of the clock an event may be.
  static constexpr std::int64_t kAheadMaxMs = 86'400'000;

  // References passed in must outlive this object.
  DeletionClock(Reactor& reactor, Log& log) : reactor_(reactor), log_(log) {}

  // Passes the good time that the store has from an earlier process; only the first call counts.
  void start(std::optional<std::int64_t> good_ms);
  // Call it once a second. Returns whether the wall clock was set.
  bool look();

  // Returns 0, at which nothing is deleted, until start().
  std::int64_t now_ms() const noexcept;
  // Returns the later of the wall clock and the good time.
  std::int64_t latest_ms() const noexcept;
  // Returns the good time, for the next process.
  std::optional<std::int64_t> good_ms() const noexcept;
  // True while deletion uses an earlier time than the wall clock, until that has proved itself.
  bool is_waiting() const noexcept;

  AcceptedTimes accepted(const RetentionLimits& limits, std::int64_t oldest_by_size_ms) const;

 private:
  Reactor& reactor_;
  Log& log_;
  std::optional<TrustedClock> clock_;
};

}  // namespace picortex
