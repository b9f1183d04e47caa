#pragma once

#include <cstdint>
#include <optional>

#include "base/uuid/uuid.h"

namespace picortex {

// Bits of an event's key below its millisecond.
inline constexpr int kSequenceBits = 20;

constexpr std::int64_t first_key_of(std::int64_t time_ms) noexcept {
  return time_ms << kSequenceBits;
}
constexpr std::int64_t time_of(std::int64_t key) noexcept { return key >> kSequenceBits; }

// Where an event is stored: its row's key and the random rest of its ID. A UUID of version 7
// (RFC 9562, section 5.7) contains the same, so that no row needs a column for it:
//
//   48 bits  key >> 20, the time in milliseconds
//   20 bits  the key's sequence (rand_a and the first 8 bits of rand_b)
//   54 bits  tail
struct EventPlace {
  static constexpr std::uint64_t kTailMask = (std::uint64_t{1} << 54) - 1;

  std::int64_t key = 0;   // at least 0
  std::int64_t tail = 0;  // 0 to kTailMask

  bool operator==(const EventPlace&) const = default;
};

Uuid event_id(const EventPlace& place) noexcept;

// Returns the place that an ID contains; nothing if it is not of version 7 or is later than
// kLatestUnixMs.
std::optional<EventPlace> event_place(const Uuid& id) noexcept;

}  // namespace picortex
