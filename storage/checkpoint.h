#pragma once

#include <memory>
#include <string>

#include "storage/database.h"

namespace picortex {

struct CheckpointLimits {
  // Pages in the log since the last round: copying them takes about a millisecond at most.
  int frames_per_round = 500;
  // The log's length from which on a round is to be the last.
  int frames_to_close = 4000;
};

// Copies the log into the database beside the writer's commits, in rounds whose fsyncs are done by
// the owner. A round:
//
// 1. after_commit() finds enough in the log and pins it: a second connection begins to read. Then
//    nobody, in no process, can start the log anew, and checkpoints copy nothing behind this point.
// 2. The owner fsyncs the log as after every commit, and so all that is before the pin.
// 3. log_synced() copies. Before the pages count as copied SQLite wants the database synced: the
//    gate stops that (storage/sync_gate.h), and wants_database_sync() says so. Commits may go on.
// 4. database_synced() copies the same pages again, which changes not a byte since what lies before
//    the pin cannot change, and now they count.
//
// So nothing counts as copied before it is on the disk, and SQLite's own order of writes and syncs
// stays whole. Only when all is copied does the next commit start the log anew: once the log is
// long a round is the closing one, and commits are to wait from its pin to its end.
class Checkpoint {
 public:
  Checkpoint(Database& database, const CheckpointLimits& limits)
      : database_(database), limits_(limits) {}

  // Opens the second connection. Once.
  StoreResult<void> prepare();

  // With a fault the round is over.
  StoreResult<void> after_commit();
  StoreResult<void> log_synced();
  StoreResult<void> database_synced();

  // Whether a round waits for the log's fsync, though nobody waits for the events.
  bool wants_log_sync() const noexcept { return state_ == State::pinned; }
  bool wants_database_sync() const noexcept { return state_ == State::copied; }
  bool holds_commits() const noexcept { return is_closing_; }
  std::uint64_t rounds() const noexcept { return rounds_; }

 private:
  enum class State { idle, pinned, copied };

  StoreResult<void> copy(bool database_synced);
  void end_round() noexcept;

  Database& database_;
  CheckpointLimits limits_;
  std::unique_ptr<Database> pinning_;
  Statement pin_;
  State state_ = State::idle;
  bool is_closing_ = false;
  int frames_pinned_ = 0;  // by the last round
  std::uint64_t rounds_ = 0;
};

}  // namespace picortex
