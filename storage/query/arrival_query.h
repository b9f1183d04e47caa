#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "storage/query/event_matcher.h"
#include "storage/query/sliced_query.h"

namespace picortex {

// A place in the order of arrival, after one event: the event's number; or, for an event from
// before arrivals were numbered, less than 0, in the order of their keys.
//
//   kBeforeAllArrivals … the old events … 0, the numbered ones
inline constexpr std::int64_t kBeforeAllArrivals = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t old_arrival(std::int64_t key) noexcept {
  return kBeforeAllArrivals + 1 + key;
}

// Reads the events that arrived after a place, in the order in which they were stored, whatever
// their times: what follows new events, or sends them on, asks with the place that it has reached.
// None is missed and none comes twice; of those that were deleted before it came to them it says
// how many they were.
//
//   ArrivalQuery query(filter, place);
//   query.run(reader, {.rows_max = n});     // then query.rows(), query.place(), query.gone()
class ArrivalQuery : public SlicedQuery {
 public:
  // `before`: the first number that is not looked at.
  ArrivalQuery(EventFilter filter, std::int64_t after,
               std::int64_t before = std::numeric_limits<std::int64_t>::max());

  // Appends to rows() until these hold budget.rows_max, the budget is used up, or all is read.
  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  // All that had arrived when the last slice ran has been looked at. Another slice may find more.
  bool is_done() const noexcept override { return is_done_; }

  // Those that fit and were not taken out yet, each with its number (EventRow::arrival).
  std::vector<EventRow>& rows() noexcept { return rows_; }
  // Everything up to here has been looked at.
  std::int64_t place() const noexcept { return place_; }
  // Of the events up to there, those that were deleted; old ones are not counted.
  std::int64_t gone() const noexcept { return gone_; }

 private:
  struct Slice;

  StoreResult<void> read_old(Slice& slice);
  StoreResult<void> read_numbered(Slice& slice);
  StoreResult<void> read_block(Slice& slice);
  StoreResult<void> look_at(Slice& slice, std::int64_t key, std::int64_t arrival);

  EventMatcher matcher_;
  std::int64_t place_;
  std::int64_t before_;
  std::int64_t gone_ = 0;
  bool is_done_ = false;
  std::vector<EventRow> rows_;
  std::vector<std::int64_t> keys_;  // of the block at hand
  std::vector<EventFacts> facts_;
  EventRow row_;
};

}  // namespace picortex
