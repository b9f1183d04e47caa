#include "storage/index/event_indexes.h"

namespace picortex {

StoreResult<void> EventIndexes::prepare(Database& database) {
  auto done = arrivals_.prepare(database);
  if (done) done = rollup_.prepare(database);
  if (done) done = texts_.prepare(database);
  return done;
}

StoreResult<void> EventIndexes::note_appended(EventFacts event) {
  event.arrival = arrivals_.next();
  rollup_.count(event);
  auto done = arrivals_.append(event.key);
  return done ? texts_.note_appended(event.key) : done;
}

void EventIndexes::note_deleted(const EventFacts& event) {
  if (event.arrival > 0) arrivals_.note_deleted(event.arrival);
  rollup_.note_deleted(event);
}

StoreResult<void> EventIndexes::save() {
  auto done = arrivals_.save();
  return done ? rollup_.save(arrivals_.next() - 1) : done;
}

void EventIndexes::commit() {
  arrivals_.commit();
  rollup_.commit();
  texts_.commit();
}

void EventIndexes::rollback() {
  arrivals_.rollback();
  rollup_.rollback();
  texts_.rollback();
}

bool EventIndexes::wants_to_build(std::int64_t now_ms) const noexcept {
  return rollup_.wants_to_build() || texts_.wants_to_build(now_ms);
}

StoreResult<void> EventIndexes::build(std::int64_t now_ms) {
  if (rollup_.wants_to_build()) return rollup_.build();
  return texts_.wants_to_build(now_ms) ? texts_.build(now_ms) : StoreResult<void>();
}

}  // namespace picortex
