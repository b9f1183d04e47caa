#include "storage/synced_commit.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace picortex {
namespace {

StoreResult<void> sync(int descriptor) {
  if (fdatasync(descriptor) == 0) return {};
  return std::unexpected(make_fault(FaultKind::io, "picortex.db", std::strerror(errno)));
}

}  // namespace

StoreResult<void> synced_commit(EventStore& store, Durable durable) {
  for (;;) {
    const auto committed = store.commit();
    if (!committed) return std::unexpected(committed.error());
    if (*committed) break;
    if (auto synced = sync(store.wal_descriptor()); !synced) return synced;
    store.log_header_synced();
  }
  if (durable == Durable::no && !store.wants_log_sync()) return {};
  if (auto synced = sync(store.wal_descriptor()); !synced) return synced;
  if (auto copied = store.log_synced(); !copied) return copied;
  if (!store.wants_database_sync()) return {};
  if (auto synced = sync(store.database_descriptor()); !synced) return synced;
  return store.database_synced();
}

}  // namespace picortex
