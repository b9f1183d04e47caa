#include "storage/sqlite/blocking_commit.h"

namespace picortex {

StoreResult<void> synced_commit(EventStore& store, Durable durable) {
  TRY(store.commit());
  if (durable == Durable::yes) {
    TRY(store.sync_log());
  }
  return store.wants_to_copy_log() ? store.copy_log() : StoreResult<void>();
}

}  // namespace picortex
