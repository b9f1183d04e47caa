#include "storage/maintenance.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "storage/files.h"
#include "storage/schema.h"

namespace picortex {
namespace {

StoreResult<std::unique_ptr<Database>> open_for_reading(const std::string& data_directory) {
  auto database = Database::open_read_only(data_directory + "/picortex.db");
  if (!database) return database;
  if (auto done = check_schema(**database); !done) return std::unexpected(std::move(done.error()));
  return database;
}

Fault cannot(const std::string& path, const char* action) {
  const FaultKind kind = errno == ENOSPC || errno == EDQUOT ? FaultKind::full : FaultKind::open;
  return make_fault(kind, path, std::string(action) + " failed: " + strerror(errno));
}

// The name comes with the bytes behind it on the disk.
StoreResult<void> publish(const std::string& part, const std::string& path) {
  const int file = ::open(part.c_str(), O_RDWR | O_CLOEXEC);
  const int synced = file < 0 ? -1 : fsync(file);
  const Fault fault = cannot(part, "syncing it");
  if (file >= 0) close(file);
  if (synced != 0) return std::unexpected(fault);
  if (renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    return std::unexpected(cannot(path, "naming the finished file"));
  }
  const auto directory = std::filesystem::path(path).parent_path();
  return sync_directory(directory.empty() ? "." : directory.string());
}

}  // namespace

StoreResult<std::vector<std::string>> check_database(const std::string& data_directory) {
  auto database = open_for_reading(data_directory);
  if (!database) return std::unexpected(std::move(database.error()));
  auto check = (*database)->prepare("PRAGMA integrity_check");
  if (!check) return std::unexpected(std::move(check.error()));
  std::vector<std::string> problems;
  for (;;) {
    auto row = check->step();
    if (!row) return std::unexpected(std::move(row.error()));
    if (!*row) return problems;
    if (check->text(0) != "ok") problems.emplace_back(check->text(0));
  }
}

StoreResult<void> back_up_database(const std::string& data_directory, const std::string& path) {
  auto database = open_for_reading(data_directory);
  if (!database) return std::unexpected(std::move(database.error()));
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) {
    errno = EEXIST;
    return std::unexpected(cannot(path, "making it"));
  }
  // A part that an earlier try left; made anew, so that nobody else's file is written to.
  const std::string part = path + ".part";
  unlink(part.c_str());
  const int file = ::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(cannot(part, "making it"));
  close(file);
  auto copy = (*database)->prepare("VACUUM INTO ?1");
  auto done = copy ? copy->bind_text(1, part).run() : std::unexpected(std::move(copy.error()));
  if (done) done = publish(part, path);
  if (!done) unlink(part.c_str());
  return done;
}

}  // namespace picortex
