#pragma once

#include "storage/event.h"

namespace picortex {

// Where the daemon's own events go. Implemented above, over the one writer of the database.
class EventSink {
 public:
  // Takes a copy of what the event points to, or drops it and counts that. Must not block.
  virtual void store(const Event& event) noexcept = 0;

 protected:
  ~EventSink() = default;
};

}  // namespace picortex
