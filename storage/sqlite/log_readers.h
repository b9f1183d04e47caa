#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sqlite/database.h"

namespace picortex {

// A process whose read transaction keeps the write-ahead log from being copied or emptied.
struct LogReader {
  std::int64_t pid = 0;  // 0: in another PID namespace
  std::string name;      // from /proc/PID/comm, escaped; empty: unknown
};

// Returns the processes that hold the oldest read marks, at most kLogReadersMax of them. SQLite
// does not report its readers, but its locks are POSIX locks of the -shm file, which /proc/locks
// lists. An empty result means that there is none now, or that the list cannot be read.
inline constexpr std::size_t kLogReadersMax = 4;
std::vector<LogReader> find_log_readers(const Database& database);

// From lines of proc_locks(5): the PID and the first byte of each lock on the inode.
struct FileLock {
  std::int64_t pid;
  std::int64_t byte;
  bool operator==(const FileLock&) const = default;
};
std::vector<FileLock> parse_locks(std::string_view list, std::uint64_t inode);

}  // namespace picortex
