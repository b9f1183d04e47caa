#pragma once

#include <array>
#include <cstdint>

#include "storage/event_id.h"

namespace picortex {

// Hands out the keys of a millisecond in order. It remembers the milliseconds used last and starts
// at sequence 0 for any other: the caller then may find the key taken when it inserts the row, and
// reports that by skip_to(). A full millisecond overflows into the next.
class KeySequence {
 public:
  std::int64_t next(std::int64_t time_ms) noexcept { return slot_of(time_ms).next_key++; }
  void skip_to(std::int64_t time_ms, std::int64_t key) noexcept { slot_of(time_ms).next_key = key; }

 private:
  struct Slot {
    std::int64_t time_ms = 0;
    std::int64_t next_key = 0;
  };

  Slot& slot_of(std::int64_t time_ms) noexcept {
    Slot& slot = slots_[static_cast<std::size_t>(time_ms) % slots_.size()];
    if (slot.time_ms != time_ms) slot = {time_ms, first_key_of(time_ms)};
    return slot;
  }

  std::array<Slot, 256> slots_{};
};

}  // namespace picortex
