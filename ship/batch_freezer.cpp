#include "ship/batch_freezer.h"

#include <algorithm>
#include <utility>

#include "storage/query/arrival_query.h"

namespace picortex::shipping {
namespace {

constexpr std::size_t kSliceBytes = std::size_t{256} << 10;

}  // namespace

StoreResult<FrozenBatch> BatchFreezer::freeze(EventReader& reader, const ShipPosition& position,
                                              std::int64_t now_ms) {
  groups_.clear();
  bytes_ = 0;
  count_ = 0;
  const std::int64_t epoch = TRY(reader.total("arrival_epoch", 0));
  const bool is_fresh = position.epoch != epoch;
  FrozenBatch batch;
  batch.epoch = epoch;
  batch.complete_ms = position.complete_ms;
  ArrivalQuery query(EventFilter(), is_fresh ? kBeforeAllArrivals : position.place);
  while (!query.is_done() && bytes_ < limits_.bytes_max && count_ < limits_.records_max) {
    // A slice is taken whole, so it must not be larger than what is left.
    const QueryBudget slice{.rows_max = std::min<std::size_t>(limits_.records_max - count_, 500),
                            .bytes_max = kSliceBytes,
                            .time_max = std::chrono::milliseconds(20)};
    TRY(query.run(reader, slice));
    encode(query.rows(), batch);
  }
  is_complete_ = query.is_done();
  batch.to = query.place();
  // What went before the first of all was never to be shipped.
  batch.gone = is_fresh ? 0 : query.gone();
  batch.complete_ms = is_complete_ ? now_ms : std::min(batch.complete_ms, now_ms);
  join_groups(batch);
  return batch;
}

void BatchFreezer::encode(std::vector<EventRow>& rows, FrozenBatch& batch) {
  for (const EventRow& row : rows) {
    Group& group = groups_[encoder_.group_of(row)];
    // Usually there is one group.
    if (count_ == 0) group.records.reserve(limits_.bytes_max + kSliceBytes);
    const std::size_t begin = group.records.size();
    encoder_.append(group.records, row);
    const std::size_t size = group.records.size() - begin;
    group.sizes.push_back(size);
    bytes_ += size;
    ++count_;
    batch.complete_ms = row.time_ms;
  }
  rows.clear();
}

void BatchFreezer::join_groups(FrozenBatch& batch) {
  batch.ends.reserve(count_);
  for (auto& [number, group] : groups_) {
    batch.groups.push_back(batch.size());
    std::size_t end = batch.records.size();
    for (const std::size_t size : group.sizes) batch.ends.push_back(end += size);
    if (batch.records.empty()) {
      batch.records = std::move(group.records);
    } else {
      batch.records += group.records;
    }
  }
  groups_.clear();
}

}  // namespace picortex::shipping
