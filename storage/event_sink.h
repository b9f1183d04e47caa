#pragma once

#include "storage/event.h"

namespace picortex {

// Receives the daemon's own events. Implemented in a higher layer, on top of the database's only
// writer.
class EventSink {
 public:
  // Copies what the event points to, or drops the event and counts that. Must not block.
  virtual void store(const Event& event) noexcept = 0;

 protected:
  ~EventSink() = default;
};

}  // namespace picortex
