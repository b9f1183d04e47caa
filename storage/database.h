#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "storage/fault.h"

struct sqlite3;
struct sqlite3_stmt;

namespace picortex {

class SyncGate;  // storage/sync_gate.h

// A prepared statement. Parameters count from 1 and columns from 0, as in SQLite. Texts go by their
// length, so that a NUL inside survives. What is bound is not copied: it must stay until the
// statement has run. Must not outlive its Database.
class Statement {
 public:
  Statement() = default;  // only to be assigned to

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind_text(int parameter, std::string_view value);
  Statement& bind_blob(int parameter, std::span<const std::uint8_t> value);
  Statement& bind_null(int parameter);

  // True: there is a row, whose columns stay readable until the next step() or reset(). False: the
  // statement is done, and reset.
  StoreResult<bool> step();
  // Runs to the end, and passes over any rows.
  StoreResult<void> run();
  // The first column of the first row, as a number; none when there is no row or it is NULL.
  StoreResult<std::optional<std::int64_t>> lookup();
  // The same where there must be one: else the `corrupt` fault.
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
  passive,   // copies what no reader still needs, and waits for nobody
  truncate,  // then also empties the WAL; only at the start and the end, as it may take long
};

// How far the write-ahead log (WAL) is copied into the database: the next commit starts the log
// anew only once all of it is, and no reader looks at it.
struct CheckpointProgress {
  int frames = 0;  // pages in the WAL
  int copied = 0;  // of these, already in the database file
};

// One connection to an SQLite database file. Never waits for a lock: that is the `busy` fault. No
// trigger and no unsafe function of a hostile database runs. Closing it copies nothing from the WAL
// (that could take long); an open transaction is rolled back. Not thread-safe.
//
// A process must not open and close the database's or the -shm file by other means while a
// connection lives: that drops SQLite's POSIX locks.
class Database {
 public:
  // `path`: an existing file; empty ones are databases too.
  static StoreResult<std::unique_ptr<Database>> open(const std::string& path);
  // The same, for reading only, which SQLite enforces. Where a write-ahead log is or can be made,
  // another connection may write meanwhile; a file in a directory that cannot be written, without a
  // log, is taken for one that nobody changes.
  static StoreResult<std::unique_ptr<Database>> open_read_only(const std::string& path);

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  StoreResult<Statement> prepare(std::string_view sql);
  // Each of the statements from the SQL beside it.
  StoreResult<void> prepare_all(std::span<const std::pair<Statement*, const char*>> statements);
  // Runs all statements of `sql`.
  StoreResult<void> execute(const char* sql);
  StoreResult<std::int64_t> integer_of(std::string_view sql);
  StoreResult<std::string> text_of(std::string_view sql);

  bool in_transaction() const noexcept;
  void rollback() noexcept;               // nothing when in no transaction
  std::int64_t changes() const noexcept;  // rows that the last statement wrote

  // Another connection's checkpoint under way, or its readers, only make less progress. Not within
  // a transaction.
  StoreResult<CheckpointProgress> checkpoint(CheckpointMode mode);
  const CheckpointProgress& wal() const noexcept { return wal_; }

  // For who syncs the files itself.
  SyncGate& gate() const noexcept;

  // The `moved` fault once the database file is not at its path any more.
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
