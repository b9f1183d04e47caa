#include "storage/sqlite/database.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "storage/sqlite/store_vfs.h"

namespace picortex {
namespace {

FaultKind kind_of(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return FaultKind::busy;
    case SQLITE_FULL:
      return FaultKind::full;
    case SQLITE_READONLY:
      return code == SQLITE_READONLY_DBMOVED ? FaultKind::moved : FaultKind::read_only;
    // ERROR, SCHEMA, CONSTRAINT and MISMATCH mean that the tables are not those that picortex
    // created.
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return FaultKind::corrupt;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return FaultKind::open;
    default:
      return FaultKind::io;
  }
}

// `handle` has the message and the errno of the last failure.
Fault fault_of(sqlite3* handle, int code, std::string_view path) {
  FaultKind kind = kind_of(code);
  std::string cause = sqlite3_errmsg(handle);
  // SQLite reports any failure to create or grow a file as an I/O error, whatever the reason.
  if (kind == FaultKind::io || kind == FaultKind::open) {
    const int error = sqlite3_system_errno(handle);
    if (error == ENOSPC || error == EDQUOT) kind = FaultKind::full;
    if (error == EROFS) kind = FaultKind::read_only;
    if (error != 0) cause += std::string(" (") + strerror(error) + ")";
  }
  return make_fault(kind, path, cause);
}

// Empty for a database in memory.
std::string_view path_of(sqlite3* handle) noexcept {
  const char* const path = sqlite3_db_filename(handle, "main");
  return path == nullptr ? std::string_view() : path;
}

Fault fault_of(sqlite3* handle, int code) { return fault_of(handle, code, path_of(handle)); }

// Binding fails only for a wrong index, a running statement, a text over 1 GB, or lack of memory.
void check_bound(int code) { CHECK(code == SQLITE_OK); }

bool is_empty_or_absent(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? status.st_size == 0 : errno == ENOENT;
}

// Characters with a meaning in a URI are written as %HH.
std::string immutable_uri(std::string_view path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%') {
      uri += "%25";
    } else if (c == '?') {
      uri += "%3f";
    } else if (c == '#') {
      uri += "%23";
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

// Several threads have connections, but each connection belongs to one thread at a time; memory
// statistics are not used. The calls fail if SQLite has been used before, which only makes it
// slower.
void configure_library() {
  sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void configure(sqlite3* handle, int option, int value) {
  CHECK(sqlite3_db_config(handle, option, value, nullptr) == SQLITE_OK);
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);  // returns the last step's error, which was reported then
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check_bound(sqlite3_bind_int64(handle_.get(), parameter, value));
  return *this;
}

Statement& Statement::bind_text(int parameter, std::string_view value) {
  // A null pointer would bind NULL.
  check_bound(sqlite3_bind_text64(handle_.get(), parameter, value.empty() ? "" : value.data(),
                                  value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::span<const std::uint8_t> value) {
  check_bound(sqlite3_bind_blob64(handle_.get(), parameter,
                                  value.empty() ? reinterpret_cast<const void*>("") : value.data(),
                                  value.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check_bound(sqlite3_bind_null(handle_.get(), parameter));
  return *this;
}

StoreResult<bool> Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Fault fault = fault_of(sqlite3_db_handle(handle_.get()), code);
  reset();
  return std::unexpected(std::move(fault));
}

StoreResult<void> Statement::run() {
  for (;;) {
    if (!TRY(step())) return {};
  }
}

StoreResult<std::optional<std::int64_t>> Statement::lookup() {
  auto row = TRY(step());
  std::optional<std::int64_t> value;
  if (row && !is_null(0)) value = integer(0);
  reset();
  return value;
}

StoreResult<std::int64_t> Statement::value() {
  auto found = TRY(lookup());
  if (found) return *found;
  return std::unexpected(make_fault(FaultKind::corrupt, path_of(sqlite3_db_handle(handle_.get())),
                                    "a value that must be there is missing"));
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_.get());  // returns the last step's error, which was reported then
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

StoreResult<std::unique_ptr<Database>> Database::open(const std::string& name,
                                                      const std::string& path, int flags) {
  [[maybe_unused]] static const bool is_configured = (configure_library(), true);
  sqlite3* handle = nullptr;
  const char* vfs = store_vfs();
  CHECK(vfs != nullptr);
  const int code = sqlite3_open_v2(name.c_str(), &handle,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  CHECK(handle != nullptr);
  if (code != SQLITE_OK) {
    Fault fault = fault_of(handle, code, path);
    sqlite3_close(handle);
    return std::unexpected(std::move(fault));
  }
  return std::unique_ptr<Database>(new Database(handle));
}

StoreResult<std::unique_ptr<Database>> Database::open(const std::string& path) {
  auto database = open(path, path, SQLITE_OPEN_READWRITE);
  // If writing is not permitted, SQLite silently opens the file for reading.
  if (database && sqlite3_db_readonly((*database)->handle_, "main") == 1) {
    return std::unexpected(
        make_fault(FaultKind::read_only, (*database)->path_, "cannot be written"));
  }
  return database;
}

StoreResult<std::unique_ptr<Database>> Database::open_read_only(const std::string& path) {
  auto database = TRY(open(path, path, SQLITE_OPEN_READONLY));
  // SQLite does not read the file before the first statement.
  auto tables = database->integer_of("SELECT count(*) FROM sqlite_schema");
  if (tables) return database;
  const bool may_lack_log =
      tables.error().kind == FaultKind::open || tables.error().kind == FaultKind::read_only;
  if (!may_lack_log || !is_empty_or_absent(database->wal_path_)) {
    return std::unexpected(std::move(tables.error()));
  }
  return open(immutable_uri(path), path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

StoreResult<std::unique_ptr<Database>> Database::open_in_memory() {
  auto database = TRY(open(":memory:", ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  TRY(database->execute("PRAGMA temp_store = MEMORY"));
  return database;
}

Database::Database(sqlite3* handle) : handle_(handle) {
  path_ = path_of(handle_);
  if (!path_.empty()) wal_path_ = sqlite3_filename_wal(sqlite3_db_filename(handle_, "main"));
  sqlite3_busy_timeout(handle_, 0);
  configure(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);
  configure(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1);
  configure(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  configure(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0);
  // This hook replaces SQLite's own, which would checkpoint within a commit. (PRAGMA
  // wal_autocheckpoint would remove it again.)
  sqlite3_wal_hook(
      handle_,
      [](void* self, sqlite3*, const char*, int frames) {
        static_cast<Database*>(self)->on_wal_commit(frames);
        return SQLITE_OK;
      },
      this);
}

Database::~Database() {
  // Fails only if a Statement still exists.
  CHECK(sqlite3_close(handle_) == SQLITE_OK);
}

StoreResult<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) return std::unexpected(fault_of(handle_, code));
  Statement statement;
  statement.handle_.reset(handle);
  return statement;
}

StoreResult<void> Database::prepare_all(
    std::span<const std::pair<Statement*, const char*>> statements) {
  for (const auto& [statement, sql] : statements) {
    *statement = TRY(prepare(sql));
  }
  return {};
}

StoreResult<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(fault_of(handle_, code));
  return {};
}

StoreResult<std::int64_t> Database::integer_of(std::string_view sql) {
  auto statement = TRY(prepare(sql));
  return statement.value();
}

StoreResult<std::string> Database::text_of(std::string_view sql) {
  auto statement = TRY(prepare(sql));
  auto row = TRY(statement.step());
  return row ? std::string(statement.text(0)) : std::string();
}

bool Database::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

void Database::rollback() noexcept {
  // SQLite rolls back by itself after some failures. Whatever else ROLLBACK reports, the changes
  // are not committed, and the next statement reports the fault.
  if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

std::int64_t Database::changes() const noexcept { return sqlite3_changes64(handle_); }

StoreResult<CheckpointProgress> Database::checkpoint(CheckpointMode mode) {
  CHECK(!in_transaction());
  int frames = -1;
  int copied = -1;
  const int code = sqlite3_wal_checkpoint_v2(
      handle_, "main",
      mode == CheckpointMode::passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE,
      &frames, &copied);
  if (code != SQLITE_OK && kind_of(code) != FaultKind::busy) {
    return std::unexpected(fault_of(handle_, code));
  }
  if (frames >= 0 && copied >= 0) wal_ = {frames, copied};
  return wal_;
}

void Database::on_wal_commit(int frames) noexcept {
  // The log only grows until it restarts. (If the first commit after a restart is longer than the
  // whole log before, `copied` stays too high until the next checkpoint, which is harmless.)
  if (frames <= wal_.frames) wal_.copied = 0;
  wal_.frames = frames;
}

DatabaseFile& Database::file() const noexcept { return DatabaseFile::of(handle_); }

void Database::release_cache() noexcept { sqlite3_db_release_memory(handle_); }

StoreResult<void> Database::check_place() {
  int moved = 0;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (code != SQLITE_OK) return std::unexpected(fault_of(handle_, code));
  if (moved != 0) {
    return std::unexpected(make_fault(FaultKind::moved, path_, "deleted or replaced while in use"));
  }
  return {};
}

}  // namespace picortex
