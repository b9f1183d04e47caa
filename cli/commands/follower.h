#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "storage/query/arrival_query.h"

namespace picortex {

// Finds the events that arrived since the last look, each once, in the order in which they were
// stored: an event that comes long after its own time too.
class Follower {
 public:
  // Follows what arrives after `after`. Of that, `shown` have been shown already. `filter` is taken
  // without its end.
  Follower(EventReader& reader, EventFilter filter, std::int64_t after,
           std::span<const EventRow> shown);

  // Appends what is new, at most rows_max; `true` when there may be more.
  StoreResult<bool> look(std::vector<EventRow>& rows, std::size_t rows_max);

 private:
  EventReader& reader_;
  ArrivalQuery query_;
  std::unordered_set<std::int64_t> shown_;  // numbers of arrival
  std::int64_t version_ = -1;               // of the data, at the last look that found everything
};

}  // namespace picortex
