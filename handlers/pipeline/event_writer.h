#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "handlers/ops/blocking_time_histogram.h"
#include "handlers/pipeline/deletion_clock.h"
#include "handlers/pipeline/disk_monitor.h"
#include "handlers/pipeline/durability.h"
#include "handlers/pipeline/event_feed.h"
#include "handlers/pipeline/log_watch.h"
#include "handlers/pipeline/store_job.h"
#include "handlers/pipeline/write_orders.h"
#include "reactor/log.h"
#include "reactor/periodic_timer.h"
#include "reactor/reactor.h"
#include "reactor/worker.h"

namespace picortex {

struct WriterStats {
  std::uint64_t commits = 0;
  std::uint64_t events = 0;      // stored
  std::uint64_t duplicates = 0;  // events whose ID was already stored
  std::uint64_t checkpoints = 0;
  std::uint64_t faults = 0;
  std::uint64_t pruned = 0;     // events beyond the age or the size
  std::int64_t size = 0;        // of the database and its log on the disk, in bytes
  std::int64_t size_used = 0;   // of the database in bytes, without free pages
  std::int64_t log_size = 0;    // of the used part of the log
  bool deletion_waits = false;  // the wall clock was set, so deletion uses another time
  std::size_t events_waiting = 0;
  Nanoseconds time_in_store{0};  // of the worker's thread
  Nanoseconds longest_job{0};
  Nanoseconds job_p50{0};
  Nanoseconds job_p99{0};
  Nanoseconds job_p999{0};
  // The blocking time of one iteration of the loop, among those with something to do.
  Nanoseconds longest_blocking{0};
  Nanoseconds blocking_p50{0};
  Nanoseconds blocking_p99{0};
  Nanoseconds blocking_p999{0};
  int wal_frames = 0;
};

// Connects the store to the loop. The Worker's thread makes all calls that may wait for a disk, one
// StoreJob at a time; the loop gives the orders and reads the results, and does nothing else with
// the store while a job runs. Events that arrive meanwhile wait for the next transaction, so that
// batches grow with the load.
//
//   state     event                                                  next state
//   down, as  open(), or the open job of a tick, succeeds            working
//   at first
//   working   a job fails                                            down, and all that wait fail
//             another connection holds the write lock for 5 seconds  stuck, and all that wait fail
//   stuck     a tick's look gets the write lock                      working
//             a job fails                                            down
//   any       close()                                                closing
//   closing   what waits is written and the finish job has ended,    closed
//             or the store fails
//   any       abandon()                                              closed, and all that wait fail
//
// It is available only while it is working.
//
//   job      ordered                                           what follows
//   write    as soon as events wait, and when something must   the submissions end, the feed
//            be deleted or the counters must be saved          publishes
//   copy     when enough of the log must be copied;            another one, if enough is left
//            alternates with write
//   look     every second                                      what to delete is known
//   open     every second while there is no store
//   finish   by close()                                        is_closed()
//
// The indexes that are made of stored events (storage/index/) are built in slices, with the same
// transactions or in some of their own, with a pause after each.
//
// Events beyond an age or a size are deleted by the same transactions, somewhat more of them than
// arrive, or by small transactions of their own if none arrive. When the disk has little room left,
// clients are rejected before it is full: nothing is deleted for that, or a program that fills the
// disk could cause deletion.
//
// When the store fails, all waiting submissions end as unavailable, and the writer tries to open
// the store again, once a second, until the cause is gone. A failed fsync is never repeated: the
// store is opened again.
class EventWriter {
 public:
  static constexpr std::size_t kEventsWaitingMax = 100'000;
  static constexpr std::chrono::seconds kJobMax{10};

  // `directory` holds the database. References passed in must outlive the writer.
  EventWriter(Reactor& reactor, Log& log, EventFeed& feed, Worker& worker, std::string directory,
              Durability durability);
  ~EventWriter();

  // Compresses the data of new events (storage/compression/data_compressor.h). Call it before the
  // loop runs.
  void compress_data() noexcept { job_.compresses_data = true; }

  // Sets which events are deleted, and below how many free bytes of the disk (0: never) clients are
  // rejected. Before the first call everything is kept and accepted.
  void keep_within(const RetentionLimits& limits, std::uint64_t free_min) noexcept;

  // The lock of the directory, checked together with the place of the files. It must outlive this
  // object.
  void guard_with(DirectoryLock& lock) noexcept { job_.lock = &lock; }

  // Opens the store before the loop runs, and blocks for that. A failure is logged, and the loop
  // tries again.
  void open();

  // True while writes and reads work.
  bool is_available() const noexcept { return is_open_ && !stuck_ && state_ == State::open; }
  // Another connection holds the write lock for too long.
  bool is_stuck() const noexcept { return stuck_; }
  // Why the store failed last; empty while it works.
  std::string_view fault() const noexcept { return fault_reported_; }
  FaultKind fault_kind() const noexcept { return fault_kind_; }
  // The disk has not answered for longer than any working disk takes.
  bool is_wedged() const noexcept { return state_ == State::open && is_silent_for(kJobMax); }
  // A job has been running for longer than `time`.
  bool is_silent_for(Nanoseconds time) const noexcept {
    return worker_.is_busy() && reactor_.now() - job_since_ > time;
  }
  // Returns whether this many events may be submitted now.
  bool has_room(std::size_t events) const noexcept {
    return orders_.events() + events <= kEventsWaitingMax;
  }

  // Returns whether clients may submit this many events now. The daemon's own events only need
  // is_available() and has_room().
  bool is_open_to(std::size_t events) const noexcept {
    return is_available() && !disk_.is_low() && !log_is_full() && has_room(events);
  }
  bool disk_is_low() const noexcept { return disk_.is_low(); }
  // A reader holds the log, which has grown so much that events, or queries, are rejected.
  bool log_is_held() const noexcept { return log_watch_.level() != LogWatch::Level::none; }
  bool log_is_full() const noexcept { return log_watch_.level() == LogWatch::Level::full; }
  bool log_is_too_long() const noexcept { return log_watch_.level() >= LogWatch::Level::too_long; }
  // The range of times that an event may have without being deleted as soon as it is stored, and at
  // most a day ahead.
  AcceptedTimes accepted_times() const noexcept {
    return clock_.accepted(limits_, oldest_by_size_ms_);
  }

  // True while events are on their way into the database.
  bool has_events_waiting() const noexcept { return orders_.events() > 0; }

  // Calls the handler in a later iteration, or at the end of this one. The caller must have checked
  // is_available() and has_room().
  void submit(Submission& submission, std::span<const Event> events) noexcept {
    orders_.submit(submission, events);
  }

  // Deletes a slice of what is stored of a chat, with one of the next transactions, and calls the
  // handler in a later iteration. The caller must have checked is_available().
  void forget(Forgetting& forgetting) { orders_.forget(forgetting); }

  // The current counters; while the store is down, the last known ones.
  const Metrics& metrics() noexcept;
  // The counts of one minute; while a job runs, at most a second old. Zeros while the store is
  // down.
  MinuteCounts counts_of(std::int64_t minute) const noexcept;

  // Nothing waits any more.
  bool is_idle() const noexcept;
  // Brings everything into the database file and closes the store, in a job after the running one.
  // Call it only while no events wait, and submit nothing afterwards.
  void close();
  bool is_closed() const noexcept { return state_ == State::closed; }
  // For a disk that does not answer in time: ends all waiting submissions as unavailable, and
  // counts as closed. A job that still runs has no further effect. Submissions whose events it is
  // reading at that moment cannot end before it does.
  void abandon();

  // Who takes the events in their order of arrival, and how far each is: until the next call, what
  // is deleted before they have it is counted for them.
  void note_consumers(std::vector<ConsumerPlace> consumers) { consumers_ = std::move(consumers); }
  // The counts since the last call, by the consumers' names.
  std::map<std::string, std::int64_t> take_lapsed() { return std::exchange(lapsed_, {}); }
  // The order of arrival as of the last job: its name, and the number of the newest event.
  std::int64_t arrival_epoch() const noexcept { return arrival_epoch_; }
  std::int64_t last_arrival() const noexcept { return last_arrival_; }

  WriterStats stats() const noexcept;
  std::uint64_t faults() const noexcept { return stats_.faults; }

 private:
  enum class State { open, closing, closed };

  void on_iteration_end() noexcept;
  void on_tick() noexcept;
  void on_busy_retry() noexcept {}  // only needed for the iteration that it causes
  void on_next_slice() noexcept { prune_due_ = true; }
  void on_next_build() noexcept { build_due_ = true; }

  void start_next_job();
  bool wants_to_write() const noexcept;
  void order_write();
  void order_look();
  void start(StoreJob::Kind kind);
  void work() noexcept { job_.run(); }
  void on_job_done() noexcept;
  void read_result();
  void note_opened();
  void note_written();
  void note_looked();
  void note_minutes();

  void look_at_clock();
  void report_pruned();
  void log_recovery();
  void on_fault(const Fault& fault);
  void on_busy();
  template <class Work>
  void hold(Work work);
  void note_blocking_time() noexcept;

  Reactor& reactor_;
  Log& log_;
  EventFeed& feed_;
  Worker& worker_;
  StoreJob job_;  // used by the thread while worker_ is busy, except its submissions
  Instant job_since_{};
  State state_ = State::open;
  bool is_open_ = false;  // true while there is a store
  Metrics metrics_;
  std::vector<MinuteCounts> minutes_;  // of the last day, from minutes_begin_ on
  std::int64_t minutes_begin_ = 0;
  std::int64_t oldest_by_size_ms_ = 0;  // since the last job
  Instant minutes_noted_{};
  std::string fault_reported_;              // empty while the store works
  FaultKind fault_kind_ = FaultKind::open;  // the last one's
  bool was_corrupt_ = false;                // at the last fault

  WriteOrders orders_;
  // A transaction must do it, even if no event arrives.
  bool prune_due_ = false;
  bool metrics_due_ = false;
  bool build_due_ = false;
  bool copy_due_ = false;
  bool look_due_ = false;
  bool open_due_ = false;
  bool copied_last_ = false;
  bool stuck_ = false;  // another connection has held the lock for too long
  Instant busy_since_{};

  PeriodicTimer ticks_;
  DeadlineList busy_retries_;
  DeadlineList slices_;
  Deadline busy_retry_ = Deadline::to<&EventWriter::on_busy_retry>(*this);
  Deadline next_slice_ = Deadline::to<&EventWriter::on_next_slice>(*this);
  DeadlineList builds_;
  Deadline next_build_ = Deadline::to<&EventWriter::on_next_build>(*this);
  unsigned ticks_since_metrics_ = 0;
  unsigned ticks_since_reported_ = 0;

  RetentionLimits limits_;
  std::vector<ConsumerPlace> consumers_;
  std::map<std::string, std::int64_t> lapsed_;
  std::int64_t arrival_epoch_ = 0;
  std::int64_t last_arrival_ = 0;
  DeletionClock clock_;
  DiskMonitor disk_;
  LogWatch log_watch_;

  WriterStats stats_;              // the counts, and the store's state since the last job
  std::uint64_t checkpoints_ = 0;  // of earlier stores
  std::uint64_t pruned_reported_ = 0;
  Nanoseconds blocking_time_{0};
  BlockingTimeHistogram blocking_times_;
  BlockingTimeHistogram jobs_;
};

}  // namespace picortex
