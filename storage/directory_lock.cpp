#include "storage/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace picortex {

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

StoreResult<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  DirectoryLock lock;
  lock.path_ = directory + "/lock";
  lock.descriptor_ = open(lock.path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock.descriptor_ < 0 && errno == EROFS) return lock;
  if (lock.descriptor_ < 0) {
    return std::unexpected(make_fault(FaultKind::open, lock.path_, std::strerror(errno)));
  }
  if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    return std::unexpected(
        Fault{FaultKind::busy, "another picortex uses the data directory " + directory +
                                   "; end it, or choose another with --data-dir"});
  }
  return lock;
}

StoreResult<void> DirectoryLock::hold() {
  struct stat held {};
  struct stat there {};
  if (descriptor_ >= 0 && fstat(descriptor_, &held) == 0 && stat(path_.c_str(), &there) == 0 &&
      held.st_dev == there.st_dev && held.st_ino == there.st_ino) {
    return {};
  }
  auto taken = take(path_.substr(0, path_.rfind('/')));
  // To the writer, `busy` means a lock that is released within milliseconds; this directory belongs
  // to another process.
  if (!taken) return std::unexpected(Fault{FaultKind::moved, std::move(taken.error().what)});
  *this = std::move(*taken);
  return {};
}

}  // namespace picortex
