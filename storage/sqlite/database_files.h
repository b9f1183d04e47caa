#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "storage/sqlite/fault.h"

namespace picortex {

// Creates an empty file of mode 0600, whatever the umask; leaves an existing one unchanged. SQLite
// gives the -wal and -shm files the database's mode.
StoreResult<void> create_file(const std::string& path);

// Makes the names of new files durable.
StoreResult<void> sync_directory(const std::string& path);

// A second descriptor of the write-ahead log, to fsync it without SQLite. Closing it is harmless,
// since SQLite locks the database and the -shm file, never this one.
class WalFile {
 public:
  WalFile() = default;
  WalFile(const WalFile&) = delete;
  WalFile& operator=(const WalFile&) = delete;
  ~WalFile();

  // Call it once. Also fsyncs the file.
  StoreResult<void> open(const std::string& path);
  StoreResult<void> sync();            // fdatasync(2)
  std::int64_t size() const noexcept;  // in bytes; 0: unknown
  // Returns the `moved` fault if another file, or none, is at the path.
  StoreResult<void> check_place() const;

 private:
  std::string path_;
  int descriptor_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace picortex
