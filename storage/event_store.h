#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/uuid/random_pool.h"
#include "storage/chat_eraser.h"
#include "storage/compression/data_compressor.h"
#include "storage/counters.h"
#include "storage/egress_host_table.h"
#include "storage/event.h"
#include "storage/event_id.h"
#include "storage/index/event_indexes.h"
#include "storage/key_sequence.h"
#include "storage/name_interner.h"
#include "storage/retention.h"
#include "storage/sqlite/checkpoint.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/database_files.h"
#include "storage/sqlite/log_readers.h"
#include "storage/sqlite/spot_check.h"
#include "storage/turn_table.h"

namespace picortex {

// The events, their counters and the write-ahead log, in <data directory>/picortex.db. The only
// writer of that file (storage/sqlite/schema.h has its tables). It waits for no other connection,
// but every call may wait for the disk: the daemon makes the calls on a thread of their own, one at
// a time.
//
// - Events are durable once sync_log() has returned after their commit.
// - copy_log(), while wants_to_copy_log(), copies a bounded number of the log's pages into the
//   database and fsyncs both (storage/sqlite/checkpoint.h).
//
// After any fault except `busy` it must be destroyed, which is safe at any moment.
class EventStore {
 public:
  // Creates the file (mode 0600) if there is none, and writes to it, so that success means a
  // working database. Takes milliseconds at any size, plus the time to copy and sync what the last
  // process left in the log.
  static StoreResult<std::unique_ptr<EventStore>> open(const std::string& data_directory,
                                                       std::int64_t now_ms,
                                                       const CheckpointLimits& limits = {});
  // Where open() moved a write-ahead log that belonged to another file; empty if there was none
  // (storage/sqlite/file_identity.h).
  const std::string& log_set_aside() const noexcept { return log_set_aside_; }
  ~EventStore();
  EventStore(const EventStore&) = delete;
  EventStore& operator=(const EventStore&) = delete;

  // One transaction: begin(), append() any number of events, commit(). After a failure only
  // rollback() is allowed, which restores the state before begin().
  StoreResult<void> begin(std::int64_t now_ms);
  // Returns true if the event was stored, false if its ID is stored already, perhaps by a commit
  // that is not fsynced yet: in either case the answer must wait for the log's fsync.
  StoreResult<bool> append(const Event& event);
  // The request ID of the event that the last append() found stored.
  const Uuid& last_duplicate() const noexcept { return last_duplicate_; }
  // The request ID under which the last append() stored its event: that of its turn if it has a note.
  const Uuid& last_request() const noexcept { return last_request_; }
  // What the tables say of the turns before now (storage/turns_so_far.h).
  StoreResult<TurnsSoFar> turns_so_far(std::int64_t now_ms) { return turns_.so_far(now_ms); }
  // Where the last append() stored its event.
  const EventPlace& last_place() const noexcept { return last_place_; }
  // Numbers the events in the order in which they were stored (storage/index/arrival_log.h): of
  // this epoch the next one gets that number.
  std::int64_t arrival_epoch() const noexcept { return indexes_.epoch(); }
  std::int64_t next_arrival() const noexcept { return indexes_.next_arrival(); }
  // Whether the indexes lack something that can be built: a slice of it, as part of a transaction.
  bool wants_to_build(std::int64_t now_ms) const noexcept {
    return indexes_.wants_to_build(now_ms);
  }
  StoreResult<void> build(std::int64_t now_ms);
  // Compresses the data of events that come from now on (storage/compression/data_compressor.h).
  void compress_data() { compressor_.enable(); }
  // What is to be deleted from now on (storage/retention.h). Nothing, until it is said.
  void keep_within(const RetentionLimits& limits) noexcept { retention_.limit(limits); }
  // Keeps events that are older than `before_ms` and appended from now on until `until_ms`.
  void keep_appended(std::int64_t before_ms, std::int64_t until_ms) noexcept {
    retention_.keep_appended(before_ms, until_ms);
  }
  // Whose events that retention deletes before they have them prune() counts.
  void note_consumers(const std::vector<ConsumerPlace>& consumers);
  // Returns whether there is something to delete. Must not be called within a transaction.
  // `now_ms`, here and below, is the time that deletion may trust (base/trusted_clock.h), not the
  // wall clock.
  StoreResult<bool> wants_to_prune(std::int64_t now_ms) { return retention_.is_due(now_ms); }
  // Deletes about `rows_max` rows at most, as part of the transaction.
  StoreResult<Pruned> prune(std::int64_t now_ms, std::size_t rows_max);
  // Deletes about `rows_max` rows of what is stored of the chat at most, as part of the transaction.
  StoreResult<Erased> forget(std::string_view chat_id, std::size_t rows_max);
  std::int64_t oldest_by_size_ms() const noexcept { return retention_.oldest_by_size_ms(); }
  // The last good time that an earlier process saved; nothing in a new database.
  std::optional<std::int64_t> good_time_ms() const noexcept { return good_time_ms_; }
  // The time is written together with the next metrics.
  void note_good_time(std::int64_t time_ms) noexcept { new_good_time_ms_ = time_ms; }
  // The size of the database in bytes, as of the last of these calls.
  std::int64_t size() const noexcept { return retention_.size(); }

  // Success also means that the files are still in their place: what is written to a deleted file
  // is lost. The `moved` fault leaves open whether the transaction is in the file that was moved.
  StoreResult<void> commit();
  void rollback() noexcept;

  // The current counters. Does not access the file.
  const Metrics& metrics(std::int64_t now_ms);
  // Returns the counts of a minute of the last 24 hours (Unix time in minutes); zeros for any
  // other.
  MinuteCounts counts_of(std::int64_t minute) const noexcept { return counters_.counts_of(minute); }
  // Returns whether the table `metrics` is outdated, or the clock was set back, so that the next
  // transaction counts again. Must not be called within a transaction.
  bool wants_to_save_metrics(std::int64_t now_ms);
  // Writes the counters that changed, as of the beginning of the transaction, as part of it.
  StoreResult<void> save_metrics(std::int64_t now_ms);

  StoreResult<void> sync_log();
  bool wants_to_copy_log() const noexcept { return checkpoint_.is_due(); }
  // Checks the header first, since it may overwrite it.
  StoreResult<void> copy_log();
  // State as of the last commit or checkpoint.
  const CheckpointProgress& wal() const noexcept { return database_->wal(); }
  std::uint64_t checkpoints() const noexcept { return checkpoint_.rounds(); }
  // Copies all of the log into the database file at once and fsyncs both. Must not be called within
  // a transaction.
  StoreResult<CheckpointProgress> checkpoint();
  // For the end of the process: writes the counters, copies the log into the database and empties
  // it, so that the one file holds everything. May take long. A reader may prevent the copy; the
  // next open() does it then.
  StoreResult<void> finish(std::int64_t now_ms);

  // Bytes of disk used by the log and the database.
  std::int64_t log_size() const noexcept { return wal_file_.size(); }
  std::int64_t size_on_disk() const noexcept;
  // Truncates a log file that is larger than kLogKept and almost completely copied, unless somebody
  // reads it.
  static constexpr std::int64_t kLogKept = std::int64_t{16} << 20;
  StoreResult<void> look_after_log();
  // Returns the processes that keep the log from being emptied.
  std::vector<LogReader> log_readers() const { return find_log_readers(*database_); }

  // Checks that the files are in their place, and that the header on the disk is unchanged.
  StoreResult<void> verify();
  // Reads `events` events at random, bypassing every cache, and their entries in the indexes.
  StoreResult<void> verify_sample(int events) { return spot_check_.check_sample(events); }

 private:
  EventStore(std::unique_ptr<Database> database, const CheckpointLimits& limits)
      : database_(std::move(database)), checkpoint_(*database_, limits) {}
  StoreResult<void> prepare_statements();
  StoreResult<void> prepare_reading();
  StoreResult<void> load_good_time();
  StoreResult<void> count_anew(std::int64_t now_ms);
  StoreResult<void> start(std::int64_t now_ms, bool is_copy);
  StoreResult<void> check_place();
  StoreResult<void> write_metrics(std::int64_t now_ms);

  StoreResult<bool> is_stored(const Uuid& id);
  StoreResult<bool> find_duplicate(Statement& find);
  StoreResult<EventFacts> bind_event(const Event& event);
  StoreResult<void> bind_data(const EventFacts& facts, std::string_view data);
  StoreResult<void> insert(const Event& event);
  // Returns false if the key is taken.
  StoreResult<bool> insert_at(const EventPlace& place);
  StoreResult<void> insert_in_sequence(std::int64_t time_ms, std::int64_t tail);

  std::unique_ptr<Database> database_;
  std::unique_ptr<Database> reading_;  // used by the two members below
  Checkpoint checkpoint_;
  SpotCheck spot_check_;
  Counters counters_;
  NameInterner names_;
  DataCompressor compressor_;
  EgressHostTable egress_hosts_;
  TurnTable turns_;
  EventIndexes indexes_;
  Retention retention_;
  ChatEraser eraser_;
  KeySequence sequence_;
  RandomPool random_;
  EventPlace last_place_;
  Uuid last_request_;
  std::optional<Metrics> written_;  // contents of the table `metrics`; none: unknown
  std::string log_set_aside_;
  std::optional<std::int64_t> good_time_ms_;
  std::optional<std::int64_t> new_good_time_ms_;  // to be written
  WalFile wal_file_;
  bool in_transaction_ = false;
  bool failed_ = false;  // true when the transaction can only be rolled back
  bool counters_saved_ = false;

  Statement begin_;
  Statement commit_;
  Statement insert_event_;
  Statement find_place_;
  Statement find_client_id_;
  Uuid last_duplicate_;
  Statement last_key_;
  Statement write_metric_;
  Statement write_good_time_;
};

}  // namespace picortex
