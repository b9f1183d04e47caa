#include "storage/index/arrival_log.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace picortex {

StoreResult<void> ArrivalLog::prepare(Database& database) {
  database_ = &database;
  const std::pair<Statement*, const char*> statements[] = {
      {&write_, "INSERT OR REPLACE INTO arrival VALUES (?1, ?2, ?3)"},
      {&count_down_, "UPDATE arrival SET live = live - ?2 WHERE block = ?1"},
      {&drop_, "DELETE FROM arrival WHERE block = ?1 AND live <= 0"},
      {&write_epoch_, "INSERT OR REPLACE INTO total VALUES ('arrival_epoch', ?1)"}};
  TRY(database.prepare_all(statements));
  state_.epoch = TRY(database.integer_of(
      "SELECT coalesce(max(value), 0) FROM total WHERE name = 'arrival_epoch'"));
  auto last =
      TRY(database.prepare("SELECT block, live, keys FROM arrival ORDER BY block DESC LIMIT 1"));
  auto row = TRY(last.step());
  if (row) {
    std::vector<std::int64_t> keys;
    state_.number = last.integer(0);
    state_.live = last.integer(1);
    if (state_.number < 0 || !ArrivalBlock::decode(last.text(2), keys)) {
      return std::unexpected(
          make_fault(FaultKind::corrupt, database.path(), "the order of arrival cannot be read"));
    }
    for (const std::int64_t key : keys) state_.block.append(key);
    if (std::ssize(keys) == kArrivalsPerBlock) {
      ++state_.number;
      state_.live = 0;
      state_.block.clear();
    }
  }
  committed_ = state_;
  return {};
}

StoreResult<void> ArrivalLog::begin_epoch(std::int64_t epoch) {
  state_.epoch = epoch;
  return write_epoch_.bind(1, epoch).run();
}

StoreResult<void> ArrivalLog::append(std::int64_t key) {
  state_.block.append(key);
  ++state_.live;
  state_.is_saved = false;
  if (static_cast<std::int64_t>(state_.block.size()) < kArrivalsPerBlock) return {};
  TRY(write_block());
  ++state_.number;
  state_.live = 0;
  state_.block.clear();
  return {};
}

// With the first row of a block the one before is the last no more, and may go.
StoreResult<void> ArrivalLog::write_block() {
  const std::string_view bytes = state_.block.bytes();
  write_.bind(1, state_.number).bind(2, state_.live);
  write_.bind_blob(3, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  TRY(write_.run());
  state_.is_saved = true;
  return drop_.bind(1, state_.number - 1).run();
}

StoreResult<void> ArrivalLog::save() {
  for (const auto& [number, count] : deleted_) {
    if (number == state_.number) {
      state_.live -= count;
      state_.is_saved = false;
      continue;
    }
    TRY(count_down_.bind(1, number).bind(2, count).run());
    // The last row stays, for its number.
    const bool is_last = number + 1 == state_.number && state_.block.size() == 0;
    if (is_last) continue;
    TRY(drop_.bind(1, number).run());
  }
  deleted_.clear();
  return state_.is_saved ? StoreResult<void>() : write_block();
}

void ArrivalLog::commit() { committed_ = state_; }

void ArrivalLog::rollback() {
  state_ = committed_;
  deleted_.clear();
}

}  // namespace picortex
