#pragma once

#include "storage/event_store.h"

namespace picortex {

enum class Durable { no, yes };

// Commits, for who has no ring: does and waits for the fsyncs that the log's restart and the
// checkpoint need, and, where it is to be durable, that of the commit itself.
StoreResult<void> synced_commit(EventStore& store, Durable durable);

}  // namespace picortex
