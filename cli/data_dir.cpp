#include "cli/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace picortex {
namespace {

Result<void> make_data_dir(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  return failure("cannot make the data directory " + path + ": " +
                     (error ? error.message() : "something else has that name") +
                     "; choose another with --data-dir",
                 error.value());
}

// Two daemons on one database would each count half of what happens.
Result<FileDescriptor> lock_data_dir(const std::string& path) {
  const std::string file = path + "/lock";
  FileDescriptor lock(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  // A read-only disk: the database says more about it, and mends itself.
  if (!lock.is_open() && errno == EROFS) return lock;
  if (!lock.is_open()) {
    return failure("cannot make " + file + ": " + std::strerror(errno) +
                       "; the directory must be the daemon's own",
                   errno);
  }
  if (flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    return failure("another picortex uses the data directory " + path +
                       "; end it, or choose another with --data-dir",
                   errno);
  }
  return lock;
}

}  // namespace

Result<FileDescriptor> claim_data_dir(const std::string& path) {
  if (auto made = make_data_dir(path); !made) return std::unexpected(made.error());
  return lock_data_dir(path);
}

}  // namespace picortex
