#include "storage/sqlite/checkpoint.h"

#include <algorithm>

#include "storage/sqlite/store_vfs.h"

namespace picortex {

StoreResult<void> Checkpoint::prepare(Database& pinning) {
  pinning_ = &pinning;
  pin_ = TRY(pinning_->prepare("SELECT 1 FROM sqlite_schema"));
  return {};
}

bool Checkpoint::is_due() const noexcept {
  const CheckpointProgress& log = database_.wal();
  return log.frames - log.copied >= limits_.frames_per_round && log.frames >= frames_to_try_;
}

StoreResult<void> Checkpoint::run_round() {
  const CheckpointProgress before = database_.wal();
  const int end = std::min(before.frames, before.copied + limits_.frames_per_round_max);
  if (end < before.frames) {
    if (!TRY(pin(end))) return {};
  }
  const auto after = database_.checkpoint(CheckpointMode::passive);
  pin_.reset();
  if (!after) return std::unexpected(after.error());
  ++rounds_;
  const bool is_held = after->copied < end && after->frames >= before.frames;
  frames_to_try_ = is_held ? after->frames + limits_.frames_per_round : 0;
  return {};
}

// Returns false if pinning is not possible now.
StoreResult<bool> Checkpoint::pin(int frame) {
  if (const auto row = pin_.step(); !row) {
    frames_to_try_ = database_.wal().frames + limits_.frames_per_round;
    if (row.error().kind == FaultKind::busy) return false;
    return std::unexpected(row.error());
  }
  if (pinning_->file().pins_log()) {
    pinning_->file().lower_read_mark(static_cast<std::uint32_t>(frame));
  } else {
    pin_.reset();  // another process has copied everything, so no bound is needed
  }
  return true;
}

}  // namespace picortex
