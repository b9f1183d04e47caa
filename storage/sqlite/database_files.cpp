#include "storage/sqlite/database_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace picortex {
namespace {

Fault system_fault(const std::string& path, const char* action, int error) {
  FaultKind kind = FaultKind::open;
  if (error == EROFS) kind = FaultKind::read_only;
  if (error == ENOSPC || error == EDQUOT) kind = FaultKind::full;
  if (error == EIO) kind = FaultKind::io;
  return make_fault(kind, path, std::string(action) + " failed: " + strerror(error));
}

}  // namespace

StoreResult<void> create_file(const std::string& path) {
  // Opens a new file only, which no connection can have locked: closing one that SQLite uses would
  // release its locks.
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    if (errno == EEXIST) return {};
    return std::unexpected(system_fault(path, "creating it", errno));
  }
  const int changed = fchmod(descriptor, 0600);  // the umask may have cleared bits
  const int error = errno;
  close(descriptor);
  if (changed != 0) return std::unexpected(system_fault(path, "setting its mode", error));
  return {};
}

StoreResult<void> sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(system_fault(path, "opening the directory", errno));
  const int synced = fsync(descriptor);
  const int error = errno;
  close(descriptor);
  if (synced != 0) return std::unexpected(system_fault(path, "syncing the directory", error));
  return {};
}

WalFile::~WalFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

StoreResult<void> WalFile::open(const std::string& path) {
  CHECK(descriptor_ < 0);
  path_ = path;
  // Opened for writing, since not every file system syncs a descriptor that is open for reading
  // only. A separate descriptor reports every failed write-back, including one that SQLite's fsync
  // already reported (fsync(2)).
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status;
  if (descriptor_ < 0 || fstat(descriptor_, &status) != 0 || fsync(descriptor_) != 0) {
    return std::unexpected(system_fault(path_, "opening or syncing it", errno));
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
  return {};
}

StoreResult<void> WalFile::sync() {
  if (fdatasync(descriptor_) == 0) return {};
  return std::unexpected(system_fault(path_, "syncing it", errno));
}

std::int64_t WalFile::size() const noexcept {
  struct stat status;
  return fstat(descriptor_, &status) == 0 ? std::int64_t{status.st_size} : 0;
}

StoreResult<void> WalFile::check_place() const {
  struct stat status;
  if (stat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) {
    return {};
  }
  return std::unexpected(make_fault(FaultKind::moved, path_, "deleted or replaced while in use"));
}

}  // namespace picortex
