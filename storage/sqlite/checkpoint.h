#pragma once

#include <memory>
#include <string>

#include "storage/sqlite/database.h"

namespace picortex {

struct CheckpointLimits {
  // A round is due once the log has this many pages that are not in the database.
  int frames_per_round = 500;
  // The most that one round examines, however much has accumulated because of a long reader.
  int frames_per_round_max = 4000;
};

// Copies the log into the database in rounds of a bounded number of pages. SQLite does the fsyncs,
// in its own order, so a round waits for the disk. Once all of the log is copied, the next commit
// restarts it.
//
// The bound: SQLite copies everything up to the lowest read mark in use. If more than a round's
// pages are pending, a second connection begins to read and its mark is lowered to where the round
// must end.
class Checkpoint {
 public:
  Checkpoint(Database& database, const CheckpointLimits& limits)
      : database_(database), limits_(limits) {}

  // `pinning`, a connection to the same file, must outlive this object. Call it once.
  StoreResult<void> prepare(Database& pinning);

  bool is_due() const noexcept;
  // Runs one round. A reader of older pages makes it copy less, or nothing; the next one is then
  // due when the log has grown by another round, or after try_again().
  StoreResult<void> run_round();
  void try_again() noexcept { frames_to_try_ = 0; }

  std::uint64_t rounds() const noexcept { return rounds_; }

 private:
  StoreResult<bool> pin(int frame);

  Database& database_;
  CheckpointLimits limits_;
  Database* pinning_ = nullptr;
  Statement pin_;
  int frames_to_try_ = 0;  // with a shorter log, a round would copy nothing
  std::uint64_t rounds_ = 0;
};

}  // namespace picortex
