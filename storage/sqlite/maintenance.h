#pragma once

#include <string>
#include <vector>

#include "storage/sqlite/database.h"

namespace picortex {

// Operations of the operator on <data directory>/picortex.db, with or without a running daemon. The
// first two read one state of it, however long they take, and change nothing there; meanwhile the
// write-ahead log cannot restart, so it grows by what is written.

// Returns the defects of the file, as SQLite reports them; empty if there are none. Reads all of
// it.
StoreResult<std::vector<std::string>> check_database(const std::string& data_directory);

// Writes a complete, compact database of mode 0600 to `path`, which must not exist, and fsyncs it.
// It gets its name once it is complete; until then it grows as `path`.part. A failure leaves no
// file, and the error names the file that could not be read or written.
StoreResult<void> back_up_database(const std::string& data_directory, const std::string& path);

// Replaces the database of the data directory with a copy of `path`, which stays unchanged. The
// caller holds the directory's lock, so that no daemon runs. The copy is verified from end to end
// first. The previous database is kept as picortex.db.old, with the content of its log as
// picortex.db.old-wal. A crash at any moment leaves one of the two in place, complete.
StoreResult<void> restore_database(const std::string& data_directory, const std::string& path);

}  // namespace picortex
