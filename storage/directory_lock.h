#pragma once

#include <string>

#include "storage/sqlite/fault.h"

namespace picortex {

// The lock of a data directory, flock(2) on its file `lock`: two daemons on one database would each
// count half of what happens. The process owns it for as long as it uses the database.
//
// The directory may be moved away or deleted under a daemon, and another daemon may create it
// again: the lock that is held then no longer belongs to the path. hold() is called before the
// database is opened and with every check of its place.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

  // Takes the lock of `directory`. On a read-only file system no lock can be made, and none is
  // needed, since nothing can be written. The fault is `busy` if another process holds it.
  static StoreResult<DirectoryLock> take(const std::string& directory);

  // Checks that the lock still belongs to the path, and takes the one that is there now if not.
  StoreResult<void> hold();

 private:
  std::string path_;
  int descriptor_ = -1;  // -1: on a read-only file system
};

}  // namespace picortex
