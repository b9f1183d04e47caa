#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/random_pool.h"
#include "storage/checkpoint.h"
#include "storage/counters.h"
#include "storage/database.h"
#include "storage/egress_hosts.h"
#include "storage/event.h"
#include "storage/event_id.h"
#include "storage/files.h"
#include "storage/key_sequence.h"
#include "storage/names.h"
#include "storage/retention.h"

namespace picortex {

// The events, their counters and the write-ahead log, in <data directory>/picortex.db. The only
// writer of that file (storage/schema.h has its tables). It waits for nothing, and between open()
// and finish() its owner does the fsyncs, when it is told to. (SQLite itself syncs the log's first
// page when a transaction too large for the page cache starts the log anew.)
//
// - Events are durable once wal_descriptor() has been fsynced after their commit. Then
//   log_synced(), also where nobody waits for the events, if wants_log_sync().
// - While wants_database_sync(), which log_synced() may bring about, database_descriptor() is to be
//   fsynced, then database_synced(). Commits go on meanwhile unless holds_commits().
//
// Both may copy pages of the log into the database: about a millisecond (storage/checkpoint.h).
//
// After a fault other than `busy` it is to be destroyed, which is safe at any moment.
class EventStore {
 public:
  // Makes the file (mode 0600) where there is none, and writes to it, so that success means a
  // database that works. Takes milliseconds at any size, but for what the last process left in the
  // log, which is copied and synced.
  static StoreResult<std::unique_ptr<EventStore>> open(const std::string& data_directory,
                                                       std::int64_t now_ms,
                                                       const CheckpointLimits& limits = {});
  ~EventStore();
  EventStore(const EventStore&) = delete;
  EventStore& operator=(const EventStore&) = delete;

  // One transaction: begin(), append() any number of events, commit(). When one of them fails the
  // only thing to do next is rollback(): then all is as it was before begin().
  StoreResult<void> begin(std::int64_t now_ms);
  // True: stored. False: its id is there already, perhaps from a commit that is not fsynced yet:
  // the answer waits for the log's fsync either way.
  StoreResult<bool> append(const Event& event);
  // Where the event stands that append() stored last.
  const EventPlace& last_place() const noexcept { return last_place_; }
  // What is to go from now on. Nothing, until it is said.
  void keep_within(const RetentionLimits& limits) noexcept { retention_.limit(limits); }
  // Whether there are events that are to go. Not within a transaction.
  StoreResult<bool> wants_to_forget(std::int64_t now_ms) { return retention_.is_due(now_ms); }
  // Deletes at most so many of them, as part of the transaction; answers how many.
  StoreResult<std::size_t> forget(std::int64_t now_ms, std::size_t rows_max);
  // Of the database in bytes, as of the last of these calls.
  std::int64_t size() const noexcept { return retention_.size(); }

  // Success says also that the files are still in their place: what is written to a deleted file is
  // lost. The `moved` fault leaves open whether the transaction is in the file that was moved.
  // False: this commit starts the log anew, and the log must be fsynced before it goes on. The
  // transaction stays open; the next call is log_header_synced() and commit(), or rollback().
  StoreResult<bool> commit();
  void log_header_synced() noexcept { log_header_synced_ = true; }
  void rollback() noexcept;

  // The counters as of now. Costs no access to the file.
  const Metrics& metrics(std::int64_t now_ms);
  // What was counted in a minute of the last 24 hours (Unix time in minutes); zeros for any other.
  MinuteCounts counts_of(std::int64_t minute) const noexcept { return counters_.counts_of(minute); }
  // Whether the table `metrics` says something else. Not within a transaction.
  bool wants_to_save_metrics(std::int64_t now_ms);
  // Writes those that changed to it, as part of the transaction: as they were when that began.
  StoreResult<void> save_metrics(std::int64_t now_ms);

  // For fsync only. Stays the same, and stays open, for the life of the store.
  int wal_descriptor() const noexcept { return wal_file_.descriptor(); }
  // The same.
  int database_descriptor() const noexcept;
  StoreResult<void> log_synced() { return checkpoint_.log_synced(); }
  StoreResult<void> database_synced() { return checkpoint_.database_synced(); }
  bool wants_log_sync() const noexcept { return checkpoint_.wants_log_sync(); }
  bool wants_database_sync() const noexcept { return checkpoint_.wants_database_sync(); }
  bool holds_commits() const noexcept { return checkpoint_.holds_commits(); }
  // As of the last commit or checkpoint.
  const CheckpointProgress& wal() const noexcept { return database_->wal(); }
  std::uint64_t checkpoints() const noexcept { return checkpoint_.rounds(); }
  // Copies all of the log into the database file at once, and fsyncs both. Not within a
  // transaction.
  StoreResult<CheckpointProgress> checkpoint();
  // For the end of the process: writes the counters, copies the log into the database and empties
  // it, so that the one file holds everything. May take long. A reader may prevent the copying; the
  // next open() does it then.
  StoreResult<void> finish(std::int64_t now_ms);

  // Whether the files are in their place and can be read.
  StoreResult<void> verify();

 private:
  EventStore(std::unique_ptr<Database> database, const CheckpointLimits& limits)
      : database_(std::move(database)), checkpoint_(*database_, limits) {}
  StoreResult<void> prepare_statements();
  StoreResult<void> start(std::int64_t now_ms);
  StoreResult<void> check_place();
  StoreResult<void> write_metrics(std::int64_t now_ms);
  StoreResult<bool> end_transaction();

  StoreResult<bool> is_stored(const Uuid& id);
  StoreResult<void> bind_event(const Event& event);
  StoreResult<void> insert(const Event& event);
  // False: the key is taken.
  StoreResult<bool> insert_at(const EventPlace& place);
  StoreResult<void> insert_in_sequence(std::int64_t time_ms, std::int64_t tail);

  std::unique_ptr<Database> database_;
  Checkpoint checkpoint_;
  Counters counters_;
  Names names_;
  EgressHosts egress_hosts_;
  Retention retention_;
  KeySequence sequence_;
  RandomPool random_;
  EventPlace last_place_;
  std::optional<Metrics> written_;  // what the table `metrics` says; none: not known
  WalFile wal_file_;
  bool in_transaction_ = false;
  bool failed_ = false;  // true when the transaction can only be rolled back
  bool counters_saved_ = false;
  bool log_header_synced_ = false;

  Statement begin_;
  Statement commit_;
  Statement insert_event_;
  Statement find_place_;
  Statement find_client_id_;
  Statement last_key_;
  Statement write_metric_;
  Statement probe_;
};

}  // namespace picortex
