#pragma once

#include <cstdint>

#include "storage/sqlite/database.h"

namespace picortex {

// The tables, by version (PRAGMA user_version).
inline constexpr std::int64_t kSchemaVersion = 8;

// Creates the tables in an empty file, upgrades those of an older version to kSchemaVersion in one
// transaction, and does nothing for the current version. Returns a fault for a newer version and
// for another program's database, which stays unchanged. Leaves the connection in WAL mode without
// automatic checkpoints.
StoreResult<void> prepare_schema(Database& database);

// Creates them in a new database in memory, which has no write-ahead log.
StoreResult<void> create_tables_in_memory(Database& database);

// For readers: returns the same faults, and `open` for a file without tables or of an older
// version.
StoreResult<void> check_schema(Database& database);

// Returns only the faults of the first function: tests whether the file is a database of this
// picortex, or of an older one that the daemon would upgrade.
StoreResult<void> check_readable(Database& database);

}  // namespace picortex
