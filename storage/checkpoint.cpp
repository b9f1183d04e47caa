#include "storage/checkpoint.h"

#include <algorithm>

#include "base/check.h"
#include "storage/sync_gate.h"

namespace picortex {

StoreResult<void> Checkpoint::prepare() {
  auto opened = Database::open_read_only(database_.path());
  if (!opened) return std::unexpected(std::move(opened.error()));
  pinning_ = std::move(*opened);
  auto prepared = pinning_->prepare("SELECT 1 FROM sqlite_schema");
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  pin_ = std::move(*prepared);
  return {};
}

StoreResult<void> Checkpoint::after_commit() {
  if (state_ != State::idle) return {};
  const int frames = database_.wal().frames;
  if (frames < frames_pinned_) frames_pinned_ = 0;  // it started anew
  const int done = std::max(frames_pinned_, database_.wal().copied);
  if (frames - done < limits_.frames_per_round) return {};
  frames_pinned_ = frames;
  if (auto row = pin_.step(); !row) {
    if (row.error().kind == FaultKind::busy) return {};  // what was committed is
    return std::unexpected(std::move(row.error()));
  }
  if (!pinning_->gate().pins_log()) {  // another process has copied everything
    end_round();
    return {};
  }
  state_ = State::pinned;
  is_closing_ = frames >= limits_.frames_to_close;
  return {};
}

StoreResult<void> Checkpoint::log_synced() {
  return state_ == State::pinned ? copy(false) : StoreResult<void>{};
}

StoreResult<void> Checkpoint::database_synced() {
  CHECK(state_ == State::copied);
  return copy(true);
}

StoreResult<void> Checkpoint::copy(bool database_synced) {
  const SyncGate::Closed closed(database_.gate(), {.log = true, .database = database_synced});
  auto copied = database_.checkpoint(CheckpointMode::passive);
  if (copied && database_.gate().owed() == SyncGate::File::database) {
    state_ = State::copied;
    return {};
  }
  // Done; or another connection has written, reads or checkpoints, so that less was copied.
  end_round();
  ++rounds_;
  if (!copied) return std::unexpected(std::move(copied.error()));
  return {};
}

void Checkpoint::end_round() noexcept {
  pin_.reset();
  state_ = State::idle;
  is_closing_ = false;
}

}  // namespace picortex
