#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <span>

namespace picortex {

// Returns the name of the VFS (sqlite.org/vfs.html) with which Database opens its files: SQLite's
// default one, except that a WalWriteCoalescer turns a commit's frames into one write and that a
// DatabaseFile sees the locks of the log. The first call registers it. Returns null if that failed.
const char* store_vfs() noexcept;

// What a connection's database file knows and SQLite does not report: who reads the log, and what
// the file holds apart from SQLite's cache. One for each connection, inside its sqlite3_file.
class DatabaseFile {
 public:
  // The wal-index has one read lock and one read mark for each of these (sqlite.org/walformat.html,
  // section 2.3). The readers of lock 0 use nothing in the log.
  static constexpr std::size_t kReadLocks = 5;
  using ReadMarks = std::array<std::uint32_t, kReadLocks>;

  // `connection` must use the VFS store_vfs().
  static DatabaseFile& of(sqlite3* connection) noexcept;

  // True while the connection's read transaction keeps checkpoints from copying frames after its
  // mark. (A transaction that began when all of the log was copied does not.)
  bool pins_log() const noexcept { return read_lock_ > 0 && wal_index_ != nullptr; }
  // Lowers that mark to `frame` if it is higher, so that a checkpoint goes no further. A mark may
  // be lower than what its readers see: SQLite itself assigns such marks when all are taken. Call
  // it only while pins_log().
  void lower_read_mark(std::uint32_t frame) noexcept;
  // The current marks; 0 for the first.
  ReadMarks read_marks() const noexcept;

  // Reads directly from the database file. Returns false if it is too short or cannot be read.
  bool read(std::span<std::uint8_t> bytes, std::int64_t offset) noexcept;

 private:
  friend struct StoreFile;

  sqlite3_file* file_ = nullptr;
  int read_lock_ = -1;                  // the read lock that the connection holds, from 0
  unsigned char* wal_index_ = nullptr;  // its first region, while mapped
};

}  // namespace picortex
