#pragma once

#include <sys/types.h>

#include <string>

#include "storage/fault.h"

namespace picortex {

// Makes an empty file of mode 0600, whatever the umask; one that is there stays as it is. SQLite
// gives the -wal and -shm files the database's mode.
StoreResult<void> create_file(const std::string& path);

// Makes the names of new files durable.
StoreResult<void> sync_directory(const std::string& path);

// A descriptor of the write-ahead log beside SQLite's own, to fsync it without SQLite. Closing it
// is harmless, since SQLite locks the database and the -shm file, never this one.
class WalFile {
 public:
  WalFile() = default;
  WalFile(const WalFile&) = delete;
  WalFile& operator=(const WalFile&) = delete;
  ~WalFile();

  // Once. Also fsyncs it.
  StoreResult<void> open(const std::string& path);
  int descriptor() const noexcept { return descriptor_; }
  // The `moved` fault once another file, or none, is at the path.
  StoreResult<void> check_place() const;

 private:
  std::string path_;
  int descriptor_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace picortex
