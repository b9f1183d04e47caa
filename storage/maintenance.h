#pragma once

#include <string>
#include <vector>

#include "storage/database.h"

namespace picortex {

// What an owner does with <data directory>/picortex.db beside the daemon or without one. Both read
// one state of it, however long they take, and change nothing there; meanwhile the write-ahead log
// cannot start anew, so it grows by what is written.

// What is wrong with the file, as SQLite says it; empty: nothing. Reads all of it.
StoreResult<std::vector<std::string>> check_database(const std::string& data_directory);

// Writes a whole database, compact and of mode 0600, to `path`, which must not exist, and fsyncs
// it. It appears under its name once it is whole; until then it grows as `path`.part.
StoreResult<void> back_up_database(const std::string& data_directory, const std::string& path);

}  // namespace picortex
