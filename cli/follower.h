#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "storage/query.h"

namespace picortex {

// Finds the events that came since the last look, each once. Keys are the order of time and not of
// arrival, so each look goes back kLateMs, or as far as the last kKnownMax events if that is less,
// and passes over what it knows: an event that arrives later than that is not found.
class Follower {
 public:
  static constexpr std::int64_t kLateMs = 60'000;
  static constexpr std::size_t kKnownMax = 4096;

  // `shown` is the newest page of `filter`, its newest first, as of now; `is_all`: there are no
  // older ones. `filter` is taken without its times' limits and order.
  Follower(EventReader& reader, EventFilter filter, std::span<const EventRow> shown, bool is_all,
           std::int64_t now_ms);

  // Appends what is new, oldest first, at most rows_max; `true` when there may be more.
  StoreResult<bool> look(std::vector<EventRow>& rows, std::size_t rows_max, std::int64_t now_ms);

 private:
  void forget(std::int64_t now_ms);

  EventReader& reader_;
  EventFilter filter_;
  std::unordered_set<std::int64_t> known_;  // those at or above floor_
  std::int64_t floor_;                      // the least key that is looked at
  std::int64_t version_ = -1;               // of the data, at the last look that found everything
};

}  // namespace picortex
