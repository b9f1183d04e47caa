#include "storage/sqlite/file_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

namespace picortex {
namespace {

constexpr std::size_t kPlaceSizeMax = 256;

std::string place_of(const std::string& database) { return database + "-place"; }
std::string log_of(const std::string& database) { return database + "-wal"; }

Fault fault(const std::string& path, const char* action) {
  FaultKind kind = FaultKind::open;
  if (errno == EROFS) kind = FaultKind::read_only;
  if (errno == ENOSPC || errno == EDQUOT) kind = FaultKind::full;
  if (errno == EIO) kind = FaultKind::io;
  return make_fault(kind, path, std::string(action) + " failed: " + strerror(errno));
}

// Inode numbers are reused as soon as a file is deleted; the time of birth differs then. Returns
// nothing if there is no such file.
std::optional<std::string> identity_of(const std::string& path) {
  struct statx status {};
  if (statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) != 0) {
    return std::nullopt;
  }
  const bool has_birth = (status.stx_mask & STATX_BTIME) != 0;
  return std::to_string(status.stx_ino) + '.' +
         std::to_string(has_birth ? status.stx_btime.tv_sec : 0) + '.' +
         std::to_string(has_birth ? status.stx_btime.tv_nsec : 0);
}

// Returns an empty text if nothing is known.
std::string read_place(const std::string& database) {
  const int file =
      ::open(place_of(database).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return {};
  std::string text(kPlaceSizeMax, '\0');
  const ssize_t got = read(file, text.data(), text.size());
  close(file);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text.ends_with('\n') ? text.substr(0, text.size() - 1) : std::string();
}

StoreResult<void> write_durably(const std::string& path, const std::string& text) {
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return std::unexpected(fault(path, "making it"));
  const bool is_written =
      write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      fsync(file) == 0;
  const Fault failed = fault(path, "writing it");
  close(file);
  if (!is_written) return std::unexpected(failed);
  return {};
}

}  // namespace

StoreResult<std::string> set_foreign_log_aside(const std::string& database) {
  const std::string place = read_place(database);
  const auto log = identity_of(log_of(database));
  const std::size_t space = place.find(' ');
  if (space == std::string::npos || !log || place.substr(space + 1) != *log) return {};
  if (identity_of(database) == place.substr(0, space)) return {};
  const std::string aside = log_of(database) + ".set-aside";
  if (std::rename(log_of(database).c_str(), aside.c_str()) != 0) {
    return std::unexpected(fault(log_of(database), "setting another database's log aside"));
  }
  // Its contents are in the log too.
  unlink((database + "-shm").c_str());
  return aside;
}

bool is_noted(const std::string& database) {
  const std::string place = read_place(database);
  const std::size_t space = place.find(' ');
  return space != std::string::npos && identity_of(database) == place.substr(0, space);
}

StoreResult<void> note_place(const std::string& database) {
  const auto own = identity_of(database);
  const auto log = identity_of(log_of(database));
  if (!own || !log) return {};
  const std::string place = *own + ' ' + *log;
  if (read_place(database) == place) return {};
  const std::string part = place_of(database) + ".part";
  TRY(write_durably(part, place + '\n'));
  if (std::rename(part.c_str(), place_of(database).c_str()) != 0) {
    return std::unexpected(fault(place_of(database), "naming it"));
  }
  return {};
}

}  // namespace picortex
