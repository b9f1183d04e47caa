#pragma once

#include <string>

#include "storage/sqlite/fault.h"

namespace picortex {

// Keeps a write-ahead log from being applied to a database that it does not belong to.
//
// SQLite finds the log by its name alone. If somebody renames a backup over picortex.db, while the
// daemon runs or after it was killed, the new file finds the log of the old one next to it, and
// copying that log into it destroys it. So the daemon records which files belong together, by inode
// and time of birth, in <database>-place. A log that still matches the record, next to a database
// that does not, belongs to another file. (If both differ, the directory was copied as a whole, and
// the log belongs to the database.)
//
//   place = database SP log LF
//   database, log = inode "." seconds "." nanoseconds     ; decimal

// Renames such a log to <database>-wal.set-aside, replacing an earlier one, and deletes the -shm
// file. Returns the new name; empty if the log belongs to the database, or if nothing is known. No
// connection may be open.
StoreResult<std::string> set_foreign_log_aside(const std::string& database);

// Whether the database file is the one of the note: neither a copy nor another in its place.
bool is_noted(const std::string& database);

// Notes that the files that are there now belong together.
StoreResult<void> note_place(const std::string& database);

}  // namespace picortex
