#pragma once

#include <cstdint>

#include "storage/database.h"

namespace picortex {

// The tables, by version (PRAGMA user_version).
inline constexpr std::int64_t kSchemaVersion = 3;

// Makes the tables where the file is empty, brings those of an older version up to kSchemaVersion
// in one transaction, and does nothing where they are of it; a fault for a newer version and for
// another program's database, which stays untouched. Leaves the connection in WAL mode without
// checkpoints of its own.
StoreResult<void> prepare_schema(Database& database);

// The same faults, and `open` for a file without tables or of an older version, for who only reads.
StoreResult<void> check_schema(Database& database);

}  // namespace picortex
