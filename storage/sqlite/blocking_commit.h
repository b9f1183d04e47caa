#pragma once

#include "storage/event_store.h"

namespace picortex {

enum class Durable { no, yes };

// Commits, for a command that may block: also fsyncs the log if the commit is to be durable, and
// runs a due round of the checkpoint.
StoreResult<void> synced_commit(EventStore& store, Durable durable);

}  // namespace picortex
