#include "storage/sqlite/maintenance.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "storage/sqlite/database_files.h"
#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

StoreResult<std::unique_ptr<Database>> open_for_reading(const std::string& path) {
  auto database = TRY(Database::open_read_only(path));
  TRY(check_schema(*database));
  return database;
}

Fault cannot(const std::string& path, const char* action) {
  const FaultKind kind = errno == ENOSPC || errno == EDQUOT ? FaultKind::full : FaultKind::open;
  return make_fault(kind, path, std::string(action) + " failed: " + strerror(errno));
}

// SQLite names the file that it reads, whichever one failed. That file is only read, so a lack of
// space is the other's.
Fault fault_of_copy(Fault fault, const std::string& source, const std::string& copy) {
  if (fault.kind == FaultKind::full) {
    return make_fault(FaultKind::full, copy, "no space is left for the copy");
  }
  if (fault.kind == FaultKind::io || fault.kind == FaultKind::read_only) {
    fault.what = "copying " + source + " to " + copy + ": " + fault.what;
  }
  return fault;
}

StoreResult<std::vector<std::string>> problems_of(Database& database) {
  auto check = TRY(database.prepare("PRAGMA integrity_check"));
  std::vector<std::string> problems;
  for (;;) {
    if (!TRY(check.step())) return problems;
    if (check.text(0) != "ok") problems.emplace_back(check.text(0));
  }
}

// Deletes what SQLite may have created while writing a file.
void remove_part(const std::string& part) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) unlink((part + suffix).c_str());
}

// Writes a complete, compact copy of `database` as a new file of mode 0600, not synced yet.
StoreResult<void> copy_to(std::unique_ptr<Database> database, const std::string& part) {
  // Replaces one left by an earlier try; created again, so that another user's file is never
  // written to.
  remove_part(part);
  const int file = ::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(cannot(part, "making it"));
  close(file);
  StoreResult<void> done;
  {
    auto copy = database->prepare("VACUUM INTO ?1");
    done = copy ? copy->bind_text(1, part).run() : std::unexpected(std::move(copy.error()));
  }
  if (done) return done;
  // SQLite has closed its files only then.
  const std::string source = database->path();
  database.reset();
  remove_part(part);
  return std::unexpected(fault_of_copy(std::move(done.error()), source, part));
}

StoreResult<void> sync_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const int synced = file < 0 ? -1 : fsync(file);
  const Fault fault = cannot(path, "syncing it");
  if (file >= 0) close(file);
  if (synced != 0) return std::unexpected(fault);
  return {};
}

// The file gets its name only when its bytes are on the disk.
StoreResult<void> publish(const std::string& part, const std::string& path) {
  TRY(sync_file(part));
  if (renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    return std::unexpected(cannot(path, "naming the finished file"));
  }
  const auto directory = std::filesystem::path(path).parent_path();
  return sync_directory(directory.empty() ? "." : directory.string());
}

}  // namespace

StoreResult<std::vector<std::string>> check_database(const std::string& data_directory) {
  auto database = TRY(open_for_reading(data_directory + "/picortex.db"));
  return problems_of(*database);
}

StoreResult<void> back_up_database(const std::string& data_directory, const std::string& path) {
  auto database = TRY(open_for_reading(data_directory + "/picortex.db"));
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) {
    errno = EEXIST;
    return std::unexpected(cannot(path, "making it"));
  }
  const std::string part = path + ".part";
  auto done = copy_to(std::move(database), part);
  if (done) done = publish(part, path);
  if (!done) remove_part(part);
  return done;
}

namespace {

// A backup that root restores must belong to the daemon's user.
void give_to_owner_of(const std::string& model, const std::string& path) {
  struct stat status {};
  if (geteuid() != 0 || stat(model.c_str(), &status) != 0) return;
  if (chown(path.c_str(), status.st_uid, status.st_gid) != 0) return;
}

StoreResult<void> check_backup(const std::string& path, Database& database) {
  auto problems = TRY(problems_of(database));
  if (problems.empty()) return {};
  return std::unexpected(
      make_fault(FaultKind::corrupt, path, "the backup is damaged: " + problems.front()));
}

// Also keeps the old database under another name, for the operator. Its log follows once the new
// database has the name; until then the record of the places (storage/sqlite/file_identity.h) keeps
// the two apart.
StoreResult<void> keep_old(const std::string& name, const std::string& old) {
  for (const char* suffix : {"", "-wal", "-shm"}) unlink((old + suffix).c_str());
  if (link(name.c_str(), old.c_str()) == 0 || errno == ENOENT) return {};
  return std::unexpected(cannot(old, "keeping the database that is replaced"));
}

}  // namespace

StoreResult<void> restore_database(const std::string& data_directory, const std::string& path) {
  auto backup = TRY(Database::open_read_only(path));
  const std::string name = data_directory + "/picortex.db";
  std::error_code ignored;
  if (std::filesystem::equivalent(path, name, ignored)) {
    errno = EINVAL;
    return std::unexpected(cannot(path, "restoring a database from itself"));
  }
  TRY(check_readable(*backup));
  TRY(check_backup(path, *backup));
  const std::string part = name + ".restoring";
  auto done = copy_to(std::move(backup), part);
  if (done) done = sync_file(part);
  const std::string old = name + ".old";
  if (done) done = keep_old(name, old);
  if (!done) {
    remove_part(part);
    return done;
  }
  give_to_owner_of(data_directory, part);
  if (rename(part.c_str(), name.c_str()) != 0) {
    const Fault fault = cannot(name, "putting the backup in its place");
    remove_part(part);
    return std::unexpected(fault);
  }
  if (rename((name + "-wal").c_str(), (old + "-wal").c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(cannot(name + "-wal", "moving the old log away"));
  }
  unlink((name + "-shm").c_str());
  return sync_directory(data_directory);
}

}  // namespace picortex
