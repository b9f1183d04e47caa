#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "storage/event_store.h"

namespace picortex {

// The value, or the bench ends with the fault's text.
template <class T>
T value_of(StoreResult<T> result) {
  if (!result) {
    std::fprintf(stderr, "bench: %s\n", result.error().what.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Commits, and waits for those fsyncs that the log's restart and the checkpoint need, as the daemon
// does on its ring; not for one that would make the events durable.
inline void synced_commit(EventStore& store) {
  while (!value_of(store.commit())) {
    fdatasync(store.wal_descriptor());
    store.log_header_synced();
  }
  if (!store.wants_log_sync()) return;
  fdatasync(store.wal_descriptor());
  value_of(store.log_synced());
  if (!store.wants_database_sync()) return;
  fdatasync(store.database_descriptor());
  value_of(store.database_synced());
}

}  // namespace picortex
