#include "cli/client/event_spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/file_descriptor.h"
#include "base/terminal.h"

namespace picortex {
namespace {

constexpr int kLockTries = 50;
constexpr std::chrono::milliseconds kLockPause{20};

std::unexpected<Error> cannot(const std::string& path, const std::string& why) {
  return failure("cannot use " + display(path) + ": " + why);
}

// Opens and locks the file. Another command holds the lock for as long as a delivery takes.
Result<FileDescriptor> open_locked(const std::string& path, int flags) {
  FileDescriptor file(
      open(path.c_str(), flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file.is_open()) return cannot(path, std::strerror(errno));
  struct stat status {};
  if (fstat(file.number(), &status) != 0) return cannot(path, std::strerror(errno));
  // Under sudo, HOME may be another user's.
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid()) {
    return cannot(path, "it is not a file of this user's own");
  }
  for (int i = 0; flock(file.number(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kLockTries) return cannot(path, "another command holds its lock");
    std::this_thread::sleep_for(kLockPause);
  }
  return file;
}

}  // namespace

EventSpool::EventSpool(const Environment& environment) {
  const auto value = [&](const char* name) {
    const auto found = environment.find(name);
    return found != environment.end() && found->second.starts_with('/') ? found->second
                                                                        : std::string();
  };
  std::string state = value("XDG_STATE_HOME");
  if (state.empty() && !value("HOME").empty()) state = value("HOME") + "/.local/state";
  if (!state.empty()) path_ = state + "/picortex/undelivered.ndjson";
}

Result<void> EventSpool::append(const std::string& lines) const {
  if (path_.empty()) return failure("neither XDG_STATE_HOME nor HOME says where to keep them");
  std::error_code error;
  const auto directory = std::filesystem::path(path_).parent_path();
  if (std::filesystem::create_directories(directory, error); error) {
    return cannot(directory.string(), error.message());
  }
  const auto file = TRY(open_locked(path_, O_CREAT));
  const off_t size = lseek(file.number(), 0, SEEK_END);
  if (size < 0) return cannot(path_, std::strerror(errno));
  if (static_cast<std::size_t>(size) + lines.size() > kSizeMax) {
    return failure(display(path_) + " is full");
  }
  const ssize_t written = write(file.number(), lines.data(), lines.size());
  if (written == static_cast<ssize_t>(lines.size())) return {};
  const int code = written < 0 ? errno : ENOSPC;
  if (ftruncate(file.number(), size) != 0) return cannot(path_, std::strerror(errno));
  return cannot(path_, std::strerror(code));
}

Result<void> EventSpool::deliver(
    const std::function<Result<void>(const std::string&)>& post) const {
  if (path_.empty() || access(path_.c_str(), F_OK) != 0) return {};
  const auto file = TRY(open_locked(path_, 0));
  std::string lines(kSizeMax, '\0');
  const ssize_t got = pread(file.number(), lines.data(), lines.size(), 0);
  if (got < 0) return cannot(path_, std::strerror(errno));
  if (got == 0) return {};
  lines.resize(static_cast<std::size_t>(got));
  TRY(post(lines));
  if (ftruncate(file.number(), 0) != 0) return cannot(path_, std::strerror(errno));
  return {};
}

}  // namespace picortex
