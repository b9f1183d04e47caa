#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "handlers/pipeline/durability.h"
#include "handlers/pipeline/submission.h"
#include "storage/directory_lock.h"
#include "storage/event_store.h"
#include "storage/query/stats/error_states.h"

namespace picortex {

// The store, and one piece of work on it that may wait for the disk. The EventWriter gives an order
// and reads the result; the Worker's thread calls run() in between. The current owner of the job
// owns the store too.
class StoreJob {
 public:
  enum class Kind {
    open,    // opens the database, if it is not open
    write,   // stores the submissions in one transaction, durable as promised
    copy,    // runs a round of the checkpoint
    look,    // finds out if the files are sound, who holds the log, what to delete
    finish,  // brings everything into the database file and closes it
  };

  struct Order {
    Kind kind = Kind::open;
    std::int64_t now_ms = 0;
    RetentionLimits limits;
    std::int64_t deletion_ms = 0;         // the time that deletion may trust
    std::optional<std::int64_t> good_ms;  // the good time, for the next process
    // write, with an age limit: events before the first time are kept until the second.
    std::int64_t kept_before_ms = 0;
    std::int64_t kept_until_ms = 0;
    std::string forgotten_chat;  // write: delete a slice of what is stored of it; empty: none
    bool saves_metrics = false;  // write
    bool prunes = false;         // write: delete events along with storing those that arrive
    std::vector<ConsumerPlace> consumers;  // write: whose lapsed events are counted
    bool builds = false;                   // write: a slice of what the indexes lack
    int events_sampled = 0;                // look, open
    bool looks_for_lock = false;           // look: whether the write lock can be had
  };

  struct Result {
    std::optional<Fault> fault;
    // Where each submitted event was stored, in order; none: its ID was stored already.
    std::vector<std::optional<EventPlace>> places;
    // The request IDs that the stored events with a turn note got, in order.
    std::vector<Uuid> turn_requests;
    // The request IDs of the stored events whose ID was submitted again, in order.
    std::vector<Uuid> duplicates;
    // The groups of the stored events of level error and above, in order: the thread finds them, as
    // that takes as long as reading the data of an event a few times.
    std::vector<std::uint64_t> error_groups;
    TurnsSoFar turns_so_far;   // of an open
    ErrorStates error_states;  // of an open
    Erased erased;             // of the forgotten chat
    std::size_t pruned = 0;
    std::vector<std::int64_t> lapsed;  // by the order's consumers
    std::int64_t arrival_epoch = 0;    // this one and the next as EventStore has them
    std::int64_t next_arrival = 0;
    bool has_more_to_prune = false;
    bool wants_to_save_metrics = false;
    bool wants_to_build = false;
    bool wants_to_copy = false;
    std::vector<LogReader> log_readers;  // of a look, if the log is long
    Metrics metrics;
    CheckpointProgress log;
    std::uint64_t checkpoints = 0;       // since the store was opened
    std::int64_t oldest_by_size_ms = 0;  // this one and the next three as EventStore has them
    std::int64_t size = 0;
    std::int64_t log_size = 0;
    std::int64_t size_on_disk = 0;
    std::chrono::nanoseconds time{0};  // its duration
  };

  // From this length of the log on, look() searches for the processes that hold it: what a size
  // limit leaves for the log.
  static constexpr std::int64_t kLogHeldMin = Retention::kLogSize;

  StoreJob(std::string directory, Durability durability)
      : directory_(std::move(directory)), durability_(durability) {}

  DirectoryLock* lock = nullptr;  // of the directory; null: not checked
  bool compresses_data = false;   // the store does, of new events
  Order order;
  SubmissionQueue submissions;

  // Call it before the thread gets the job.
  void prepare() noexcept { events_ = Events::unread; }
  // Never throws, except for lack of memory, which ends the process.
  void run() noexcept;

  const Result& result() const noexcept { return result_; }
  // Null while there is no store: never opened, closed, or destroyed after a fault.
  EventStore* store() const noexcept { return store_.get(); }
  // Call it while the thread runs: returns whether the submissions may be given back because it
  // needs them no more, or has not read them yet and never will.
  bool release_events() noexcept;

 private:
  enum class Events { unread, being_read, read, released };

  StoreResult<void> work();
  StoreResult<void> check_lock();
  StoreResult<void> open();
  StoreResult<void> read_so_far();
  StoreResult<void> write();
  StoreResult<std::size_t> append_rows();
  StoreResult<void> keep_house(std::size_t rows_beside);
  StoreResult<void> look();
  StoreResult<void> finish();
  void note_state();

  const std::string directory_;
  const Durability durability_;
  std::unique_ptr<EventStore> store_;
  Result result_;
  std::atomic<Events> events_ = Events::unread;
};

}  // namespace picortex
