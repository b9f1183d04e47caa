#include "storage/index/rollup.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "storage/event_id.h"
#include "storage/index/arrival_tail.h"

namespace picortex {
namespace {

// A number that nothing says is `none`.
StoreResult<std::int64_t> total_of(Database& database, std::string_view name, std::int64_t none) {
  auto read = TRY(database.prepare("SELECT value FROM total WHERE name = ?1"));
  return TRY(read.bind_text(1, name).lookup()).value_or(none);
}

}  // namespace

StoreResult<void> Rollup::prepare(Database& database) {
  database_ = &database;
  const std::pair<Statement*, const char*> statements[] = {
      {&read_, "SELECT counts FROM rollup WHERE place = ?1"},
      {&write_, "INSERT OR REPLACE INTO rollup VALUES (?1, ?2)"},
      {&delete_, "DELETE FROM rollup WHERE place = ?1"},
      {&old_,
       "SELECT key, type, chat, level FROM event WHERE key > ?1 AND key <= ?2 AND arrival IS NULL"
       " ORDER BY key LIMIT ?3"},
      {&write_total_, "INSERT OR REPLACE INTO total VALUES (?1, ?2)"}};
  TRY(database.prepare_all(statements));
  return load(database);
}

StoreResult<void> Rollup::load(Database& database) {
  const std::tuple<const char*, std::int64_t*, std::int64_t> numbers[] = {
      {"rollup_arrival", &arrival_, 0},
      {"rollup_old_key", &old_key_, -1},
      {"old_end_key", &old_end_, -1}};
  for (const auto& [name, number, none] : numbers) {
    *number = TRY(total_of(database, name, none));
  }
  TRY(load_tail(database));
  committed_arrival_ = arrival_;
  commit();
  return {};
}

StoreResult<void> Rollup::load_tail(Database& database) {
  auto event =
      TRY(database.prepare("SELECT type, chat, level FROM event WHERE key = ?1 AND arrival = ?2"));
  const auto tail = TRY(keys_arrived_after(database, arrival_));
  for (const ArrivedKey& arrived : tail) {
    if (!TRY(event.bind(1, arrived.key).bind(2, arrived.arrival).step())) continue;
    add(tail_,
        {.key = arrived.key,
         .type = event.integer(0),
         .chat = event.integer(1),
         .level = level_of_number(event.integer(2)).value_or(Level::fatal)},
        1);
    event.reset();
  }
  return {};
}

void Rollup::add(std::vector<Cell>& cells, const EventFacts& event, std::int64_t count) {
  const std::int64_t time_ms = time_of(event.key);
  const auto hour = static_cast<std::uint8_t>(time_ms % kRollupDayMs / kHourMs);
  cells.push_back(
      {rollup_place(time_ms / kRollupDayMs, event.chat), {hour, event.level, event.type, count}});
}

void Rollup::count(const EventFacts& event) { add(tail_, event, 1); }

void Rollup::note_deleted(const EventFacts& event) {
  if (event.arrival > arrival_) return add(tail_, event, -1);
  if (event.arrival > 0 || event.key <= old_key_) add(deleted_, event, -1);
}

StoreResult<void> Rollup::save(std::int64_t last_arrival) {
  if (!deleted_.empty()) {
    auto written = write(deleted_);
    deleted_.clear();
    if (!written) return written;
  }
  if (tail_.size() < kTailMax) return {};
  // What is rolled back is still needed.
  std::vector<Cell> cells = tail_;
  TRY(write(cells));
  arrival_ = last_arrival;
  return write_total_.bind_text(1, "rollup_arrival").bind(2, arrival_).run();
}

void Rollup::commit() {
  if (arrival_ != committed_arrival_) tail_.clear();
  committed_arrival_ = arrival_;
  committed_old_key_ = old_key_;
  committed_tail_ = tail_.size();
}

void Rollup::rollback() {
  arrival_ = committed_arrival_;
  old_key_ = committed_old_key_;
  tail_.resize(committed_tail_);
  deleted_.clear();
}

StoreResult<void> Rollup::build() {
  std::vector<Cell> cells;
  old_.bind(1, old_key_).bind(2, old_end_).bind(3, kOldPerSlice);
  std::int64_t rows = 0;
  for (;; ++rows) {
    if (!TRY(old_.step())) break;
    old_key_ = old_.integer(0);
    add(cells,
        {.key = old_key_,
         .type = old_.integer(1),
         .chat = old_.integer(2),
         .level = level_of_number(old_.integer(3)).value_or(Level::fatal)},
        1);
  }
  if (rows < kOldPerSlice) old_key_ = old_end_;
  TRY(write(cells));
  return write_total_.bind_text(1, "rollup_old_key").bind(2, old_key_).run();
}

// --- Rows ---

// Adds the cells to the rows of their chats, and to those of all chats.
StoreResult<void> Rollup::write(std::vector<Cell>& cells) {
  const std::size_t own = cells.size();
  for (std::size_t i = 0; i < own; ++i) {
    cells.push_back({rollup_place(day_of_place(cells[i].place), kAllChats), cells[i].count});
  }
  std::ranges::sort(cells, [](const Cell& left, const Cell& right) {
    if (left.place != right.place) return left.place < right.place;
    return comes_first(left.count, right.count);
  });
  for (auto cell = cells.cbegin(); cell != cells.cend();) {
    const std::int64_t place = cell->place;
    added_.clear();
    for (; cell != cells.cend() && cell->place == place; ++cell) {
      const bool is_same = !added_.empty() && !comes_first(added_.back(), cell->count);
      if (is_same) {
        added_.back().count += cell->count.count;
      } else {
        added_.push_back(cell->count);
      }
    }
    TRY(write_row(place, added_));
  }
  return {};
}

StoreResult<void> Rollup::write_row(std::int64_t place, const std::vector<RollupCount>& added) {
  row_.clear();
  auto found = TRY(read_.bind(1, place).step());
  if (found) {
    const bool is_sound = decode_rollup(read_.text(0), row_);
    read_.reset();
    if (!is_sound) {
      return std::unexpected(
          make_fault(FaultKind::corrupt, database_->path(), "the counts by hour cannot be read"));
    }
  }
  merge_rollup(row_, added);
  if (row_.empty()) return delete_.bind(1, place).run();
  const std::string bytes = encode_rollup(row_);
  write_.bind(1, place);
  return write_.bind_blob(2, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})
      .run();
}

}  // namespace picortex
