#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ship/encode/event_encoder.h"
#include "ship/frozen_batch.h"
#include "ship/ship_state.h"
#include "storage/query/event_reader.h"

namespace picortex::shipping {

// Makes the next batch of a target from the store.
class BatchFreezer {
 public:
  struct Limits {
    std::size_t records_max = 10'000;
    // Of encoded events; those of one slice of the store's may be on top.
    std::size_t bytes_max = std::size_t{4} << 20;
  };

  // `encoder` must outlive this object.
  BatchFreezer(EventEncoder& encoder, const Limits& limits) : encoder_(encoder), limits_(limits) {}

  // Returns the events that come after `position`, or after nothing if that belongs to another
  // order of arrival: as many as fit, perhaps none. Their records are in order of arrival within
  // each group. `now_ms` is the time of this call.
  StoreResult<FrozenBatch> freeze(EventReader& reader, const ShipPosition& position,
                                  std::int64_t now_ms);

  // The last batch had everything that had arrived by then.
  bool is_complete() const noexcept { return is_complete_; }

 private:
  struct Group {
    std::string records;
    std::vector<std::size_t> sizes;
  };

  void encode(std::vector<EventRow>& rows, FrozenBatch& batch);
  void join_groups(FrozenBatch& batch);

  EventEncoder& encoder_;
  const Limits limits_;
  bool is_complete_ = false;
  std::map<std::int64_t, Group> groups_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

}  // namespace picortex::shipping
