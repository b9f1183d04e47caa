#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "storage/sqlite/fault.h"

struct sqlite3;
struct sqlite3_stmt;

namespace picortex {

class DatabaseFile;  // storage/sqlite/store_vfs.h

// A prepared statement. Parameters count from 1 and columns from 0, as in SQLite. Texts are bound
// with their length, so that a NUL inside survives. Bound texts are not copied and must stay valid
// until the statement has run. Must not outlive its Database.
class Statement {
 public:
  Statement() = default;  // may only be assigned to

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind_text(int parameter, std::string_view value);
  Statement& bind_blob(int parameter, std::span<const std::uint8_t> value);
  Statement& bind_null(int parameter);

  // Returns true if there is a row, whose columns stay readable until the next step() or reset();
  // false once the statement is done, which resets it.
  StoreResult<bool> step();
  // Runs to the end and ignores any rows.
  StoreResult<void> run();
  // Returns the first column of the first row as a number; nothing if there is no row or it is
  // NULL.
  StoreResult<std::optional<std::int64_t>> lookup();
  // Does the same where there must be a row; returns the `corrupt` fault if there is none.
  StoreResult<std::int64_t> value();
  void reset() noexcept;

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // a BLOB's bytes too; empty for NULL
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  std::unique_ptr<sqlite3_stmt, Finalizer> handle_;
};

enum class CheckpointMode {
  passive,   // copies what no reader still needs, and waits for no other connection
  truncate,  // also empties the WAL; only at the start and the end, since it may take long
};

// How much of the write-ahead log (WAL) has been copied into the database. The next commit restarts
// the log only once all of it is copied and no reader uses it.
struct CheckpointProgress {
  int frames = 0;  // pages in the WAL
  int copied = 0;  // of these, copied to the database file
};

// One connection to an SQLite database file. Never waits for a lock: that is the `busy` fault. Runs
// no trigger and no unsafe function of a hostile database. Closing it copies nothing from the WAL
// (that could take long) and rolls an open transaction back. May be passed from one thread to
// another, and used by one at a time.
//
// A process must not open and close the database's or the -shm file by other means while a
// connection lives: that releases SQLite's POSIX locks.
class Database {
 public:
  // `path` must be an existing file; an empty file is a valid database.
  static StoreResult<std::unique_ptr<Database>> open(const std::string& path);
  // Opens for reading only, which SQLite enforces. If a write-ahead log exists or can be created,
  // another connection may write meanwhile; a file without a log in a directory that cannot be
  // written is assumed not to change.
  static StoreResult<std::unique_ptr<Database>> open_read_only(const std::string& path);
  // Makes an empty one that has no file, and is gone with this object.
  static StoreResult<std::unique_ptr<Database>> open_in_memory();

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  StoreResult<Statement> prepare(std::string_view sql);
  // Prepares each statement from its SQL.
  StoreResult<void> prepare_all(std::span<const std::pair<Statement*, const char*>> statements);
  // Runs all statements of `sql`.
  StoreResult<void> execute(const char* sql);
  StoreResult<std::int64_t> integer_of(std::string_view sql);
  StoreResult<std::string> text_of(std::string_view sql);

  bool in_transaction() const noexcept;
  void rollback() noexcept;               // does nothing outside of a transaction
  std::int64_t changes() const noexcept;  // rows written by the last statement

  // A concurrent checkpoint or readers of another connection only reduce the progress. Must not be
  // called within a transaction.
  StoreResult<CheckpointProgress> checkpoint(CheckpointMode mode);
  const CheckpointProgress& wal() const noexcept { return wal_; }

  DatabaseFile& file() const noexcept;
  // Drops cached pages, so that the next statement reads the file.
  void release_cache() noexcept;

  // Returns the `moved` fault once the database file is not at its path any more.
  StoreResult<void> check_place();

  const std::string& path() const noexcept { return path_; }  // absolute
  const std::string& wal_path() const noexcept { return wal_path_; }

 private:
  static StoreResult<std::unique_ptr<Database>> open(const std::string& name,
                                                     const std::string& path, int flags);
  explicit Database(sqlite3* handle);
  void on_wal_commit(int frames) noexcept;

  sqlite3* handle_;
  std::string path_;
  std::string wal_path_;
  CheckpointProgress wal_;
};

}  // namespace picortex
