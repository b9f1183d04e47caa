#pragma once

#include "base/time/clock.h"
#include "storage/event.h"
#include "storage/query/stats/error_states.h"
#include "storage/turns_so_far.h"

namespace picortex {

// Sees every event that is stored, on the loop, in the order in which they are stored. The
// EventFeed calls it.
class EventObserver {
 public:
  // The store has been opened, perhaps again: what it says replaces what was known of turns.
  virtual void on_opened(const TurnsSoFar&) noexcept {}
  // The same of the groups of errors whose state was set.
  virtual void on_error_states(const ErrorStates&) noexcept {}
  // An event is in the open transaction; it has its ID. Its texts are valid during the call.
  virtual void append(const Event& event) noexcept = 0;
  // All such events are stored.
  virtual void publish(const ClockReading& now) noexcept = 0;
  // None of them will be.
  virtual void discard() noexcept = 0;

 protected:
  ~EventObserver() = default;
};

}  // namespace picortex
