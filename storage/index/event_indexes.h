#pragma once

#include <cstdint>

#include "storage/index/arrival_log.h"
#include "storage/index/rollup.h"
#include "storage/index/text_index.h"

namespace picortex {

// What the store keeps about its events besides the rows: the order of arrival, the counts by hour,
// and the filters for texts. One object, so that whatever stores or deletes events, commits or
// rolls back, informs all of them. Part of the EventStore.
class EventIndexes {
 public:
  // Once.
  StoreResult<void> prepare(Database& database);
  StoreResult<void> begin_epoch(std::int64_t epoch) { return arrivals_.begin_epoch(epoch); }

  std::int64_t epoch() const noexcept { return arrivals_.epoch(); }
  // The number of arrival that the next event gets.
  std::int64_t next_arrival() const noexcept { return arrivals_.next(); }

  // Within a transaction: an event has been stored, with the number next_arrival().
  StoreResult<void> note_appended(EventFacts event);
  void note_deleted(const EventFacts& event);
  // An event of that key has been deleted, and nothing is to show what it said: the filter for texts
  // that covers it is built again.
  StoreResult<void> note_erased(std::int64_t key) { return texts_.uncover(key); }
  // The oldest event that is left has this key.
  StoreResult<void> note_oldest(std::int64_t key) { return texts_.prune(key); }
  StoreResult<void> save();
  void commit();
  void rollback();

  // Whether there is something to build: a slice of it, within a transaction.
  bool wants_to_build(std::int64_t now_ms) const noexcept;
  StoreResult<void> build(std::int64_t now_ms);

 private:
  ArrivalLog arrivals_;
  Rollup rollup_;
  TextIndex texts_;
};

}  // namespace picortex
