#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "handlers/disk_guard.h"
#include "handlers/durability.h"
#include "handlers/event_feed.h"
#include "handlers/hold_histogram.h"
#include "handlers/submission.h"
#include "reactor/log.h"
#include "reactor/reactor.h"
#include "storage/event_store.h"

namespace picortex {

struct WriterFigures {
  std::uint64_t commits = 0;
  std::uint64_t events = 0;   // stored
  std::uint64_t repeats = 0;  // whose id was there already
  std::uint64_t checkpoints = 0;
  std::uint64_t faults = 0;
  std::uint64_t forgotten = 0;  // that were too old, or too many
  std::int64_t size = 0;        // of the database in bytes, without free pages
  std::size_t events_waiting = 0;
  Nanoseconds time_in_store{0};
  // The store's hold on one turn of the loop, of those turns in which it had something to do.
  Nanoseconds longest_hold{0};
  Nanoseconds hold_p50{0};
  Nanoseconds hold_p99{0};
  Nanoseconds hold_p999{0};
  int wal_frames = 0;
};

// Joins the store to the loop. What arrived in a turn goes into one transaction at the turn's end,
// a bounded number of rows a turn; then the ring fsyncs the log while the loop goes on, and the
// submissions are told. What arrives while an fsync is in flight waits for the next transaction, so
// that batches grow with the load.
//
// Events beyond an age or a size go with the same transactions, somewhat more of them than come,
// and where none come in small transactions of their own. When the disk has little room left,
// clients are turned away before it is full: nothing is deleted for that, or whoever fills the disk
// could have it done.
//
// When the store fails, all that wait are told so, and the writer tries to open it again, once a
// second, until the cause has gone. A failed fsync is never repeated: the store is opened anew.
class EventWriter {
 public:
  static constexpr std::size_t kEventsWaitingMax = 100'000;
  static constexpr std::chrono::seconds kSyncMax{10};

  // `directory` has the database. What is passed by reference outlives the writer.
  EventWriter(Reactor& reactor, Log& log, EventFeed& feed, std::string directory,
              Durability durability);
  ~EventWriter();

  // Which events are to go, and below how many free bytes of the disk (0: none) clients are turned
  // away. Until it is said everything is kept and taken.
  void keep_within(const RetentionLimits& limits, std::uint64_t free_min) noexcept;

  // Tries to open the store; a failure is logged, and mended later.
  void open();

  // True while writes and reads work.
  bool is_available() const noexcept { return store_ != nullptr && !stuck_; }
  // The disk has been silent for longer than any disk that works.
  bool is_wedged() const noexcept {
    return is_syncing() && reactor_.now() - syncing_since_ > kSyncMax;
  }
  // Whether so many events may be submitted now.
  bool has_room(std::size_t events) const noexcept {
    return events_waiting_ + events <= kEventsWaitingMax;
  }

  // Whether clients may submit so many events now; what the daemon itself has to tell needs only
  // that it is available and has room.
  bool is_open_to(std::size_t events) const noexcept {
    return is_available() && !disk_.is_low() && has_room(events);
  }
  bool disk_is_low() const noexcept { return disk_.is_low(); }

  // Events are on their way into the database.
  bool has_events_waiting() const noexcept { return events_waiting_ > 0 || sync_.in_flight(); }

  // The handler is called in a later turn, or at the end of this one. is_available() and
  // has_room() have been asked.
  void submit(Submission& submission, std::span<const Event> events) noexcept;

  // The counters as of now; while the store is down, the last that were known.
  const Metrics& metrics() noexcept;
  // Zeros while the store is down.
  MinuteCounts counts_of(std::int64_t minute) const noexcept;

  // Nothing waits any more.
  bool is_idle() const noexcept;
  // Brings everything into the database file and closes the store. Only when idle.
  void close();

  WriterFigures figures() const noexcept;

 private:
  void on_turn_end() noexcept;
  void on_log_sync(const Completion& completion) noexcept;
  void on_database_sync(const Completion& completion) noexcept;
  void on_tick() noexcept;
  void on_busy_retry() noexcept;
  void on_next_slice() noexcept;

  bool may_write() const noexcept;
  bool is_syncing() const noexcept { return sync_.in_flight() || database_sync_.in_flight(); }
  void sync(Operation& operation, int file);
  bool is_synced(const Completion& completion);
  void begin_batch();
  void write_rows();
  StoreResult<std::size_t> append_rows();
  StoreResult<void> keep_house(std::size_t rows_beside);
  StoreResult<void> forget_some(std::size_t rows_beside);
  void commit_batch();
  void end_synced();
  void count_copied();
  void copy_log(const StoreResult<void>& copied);
  void look_after_store();
  void look_for_expired();
  void tell_forgotten();
  void look_for_lock();
  void log_recovery();
  void on_fault(const Fault& fault);
  void on_busy();
  void fail_all();
  template <class Work>
  void hold(Work work);
  void note_hold() noexcept;

  Reactor& reactor_;
  Log& log_;
  EventFeed& feed_;
  std::string directory_;
  Durability durability_;
  std::unique_ptr<EventStore> store_;
  Metrics metrics_;
  std::string fault_reported_;  // empty while the store works

  SubmissionQueue waiting_;   // for the next transaction
  SubmissionQueue appended_;  // whole in the open transaction
  SubmissionQueue syncing_;   // committed, and being fsynced
  std::size_t events_waiting_ = 0;
  bool in_transaction_ = false;
  bool database_synced_ = false;  // and what was copied into it is not counted yet
  std::size_t events_in_batch_ = 0;
  std::size_t forgotten_in_batch_ = 0;
  std::size_t next_event_ = 0;  // of waiting_'s first submission, which is half appended
  // A transaction is to do it, even if no event comes.
  bool forget_due_ = false;
  bool metrics_due_ = false;
  bool stuck_ = false;  // another connection has held the lock for too long
  Instant busy_since_{};
  Instant syncing_since_{};  // without a moment in which no fsync was in flight

  Operation sync_ = Operation::to<&EventWriter::on_log_sync>(*this);
  Operation database_sync_ = Operation::to<&EventWriter::on_database_sync>(*this);
  DeadlineList ticks_;
  DeadlineList busy_retries_;
  DeadlineList slices_;
  Deadline tick_ = Deadline::to<&EventWriter::on_tick>(*this);
  Deadline busy_retry_ = Deadline::to<&EventWriter::on_busy_retry>(*this);
  Deadline next_slice_ = Deadline::to<&EventWriter::on_next_slice>(*this);
  unsigned ticks_since_metrics_ = 0;
  unsigned ticks_since_told_ = 0;

  RetentionLimits limits_;
  DiskGuard disk_;

  std::uint64_t commits_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t repeats_ = 0;
  std::uint64_t repeats_in_batch_ = 0;
  std::uint64_t checkpoints_ = 0;
  std::uint64_t faults_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint64_t forgotten_told_ = 0;
  Nanoseconds time_in_store_{0};
  Nanoseconds hold_of_turn_{0};
  Nanoseconds longest_hold_{0};
  HoldHistogram holds_;
};

}  // namespace picortex
