#include "storage/query/arrival_query.h"

#include <algorithm>
#include <utility>

#include "storage/index/arrival_block.h"

namespace picortex {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kOldAtOnce = 64;

}  // namespace

struct ArrivalQuery::Slice {
  EventReader& reader;
  const QueryBudget& budget;
  Clock::time_point end;
  std::size_t steps = 0;
  std::size_t bytes = 0;

  bool is_used_up(std::size_t rows) const {
    return rows >= budget.rows_max || bytes >= budget.bytes_max || steps >= budget.steps_max ||
           Clock::now() >= end;
  }
};

ArrivalQuery::ArrivalQuery(EventFilter filter, std::int64_t after, std::int64_t before)
    : matcher_(std::move(filter)), place_(after), before_(before) {}

StoreResult<void> ArrivalQuery::run(EventReader& reader, const QueryBudget& budget) {
  is_done_ = false;
  Slice slice{reader, budget, Clock::now() + budget.time_max};
  auto done = reader.begin();
  if (done && place_ < 0) done = read_old(slice);
  if (done && place_ >= 0) done = read_numbered(slice);
  reader.end();
  return done;
}

StoreResult<void> ArrivalQuery::read_old(Slice& slice) {
  auto end = TRY(slice.reader.total("old_end_key", -1));
  while (!slice.is_used_up(rows_.size())) {
    facts_.clear();
    const std::int64_t first = place_ - kBeforeAllArrivals;
    auto scanned =
        slice.reader.scan_facts(first, end, kOldAtOnce, EventReader::Scanned::only_old, facts_);
    if (!scanned) return scanned;
    for (const EventFacts& facts : facts_) {
      if (slice.is_used_up(rows_.size())) return {};
      TRY(look_at(slice, facts.key, 0));
      place_ = old_arrival(facts.key);
    }
    if (facts_.size() == kOldAtOnce) continue;
    place_ = 0;
    return {};
  }
  return {};
}

StoreResult<void> ArrivalQuery::read_numbered(Slice& slice) {
  while (!is_done_ && !slice.is_used_up(rows_.size())) {
    TRY(read_block(slice));
  }
  return {};
}

// The block that the next number is in, or the next one that there is.
StoreResult<void> ArrivalQuery::read_block(Slice& slice) {
  ++slice.steps;
  keys_.clear();
  const std::int64_t next = place_ + 1;
  auto block = TRY(next < before_ ? slice.reader.read_arrivals(arrival_block_of(next), keys_)
                                  : StoreResult<std::optional<std::int64_t>>(std::nullopt));
  if (!block) {
    is_done_ = true;
    return {};
  }
  const std::int64_t first = first_arrival_of(*block);
  const std::int64_t end = std::min(first + std::ssize(keys_), before_);
  // The blocks before it have been deleted with all of their events.
  if (first > next) {
    const std::int64_t reached = std::min(first, before_) - 1;
    gone_ += reached - place_;
    place_ = reached;
  }
  while (place_ + 1 < end) {
    if (slice.is_used_up(rows_.size())) return {};
    const std::int64_t arrival = place_ + 1;
    auto looked = look_at(slice, keys_[static_cast<std::size_t>(arrival - first)], arrival);
    if (!looked) return looked;
    place_ = arrival;
  }
  is_done_ = std::ssize(keys_) < kArrivalsPerBlock || place_ + 1 >= before_;
  return {};
}

StoreResult<void> ArrivalQuery::look_at(Slice& slice, std::int64_t key, std::int64_t arrival) {
  ++slice.steps;
  auto found = TRY(slice.reader.read(key, row_));
  // A key may have been given again after its event was deleted.
  if (!found || row_.arrival != arrival) {
    gone_ += arrival > 0 ? 1 : 0;
    return {};
  }
  if (!matcher_.matches(row_)) return {};
  slice.bytes += row_.text_size();
  rows_.push_back(std::move(row_));
  return {};
}

}  // namespace picortex
