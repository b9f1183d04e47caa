#include "storage/counters.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/time/durations.h"

namespace picortex {
namespace {

// Far above any real count: sums stay in range whatever a damaged file holds.
constexpr std::int64_t kCountMax = std::int64_t{1} << 40;

std::int64_t read_count(const Statement& row, int column) {
  return std::clamp<std::int64_t>(row.integer(column), 0, kCountMax);
}

StoreResult<void> clamp_to(Database& database, std::int64_t now_minute) {
  for (const char* sql :
       {"INSERT INTO metric_minute SELECT ?1, sum(turns), sum(skipped), sum(errors)"
        " FROM metric_minute WHERE minute > ?1 HAVING count(*) > 0"
        " ON CONFLICT (minute) DO UPDATE SET turns = turns + excluded.turns,"
        " skipped = skipped + excluded.skipped, errors = errors + excluded.errors",
        "DELETE FROM metric_minute WHERE minute > ?1",
        "UPDATE chat SET last_seen_minute = ?1 WHERE last_seen_minute > ?1"}) {
    auto statement = TRY(database.prepare(sql));
    TRY(statement.bind(1, now_minute).run());
  }
  return {};
}

}  // namespace

StoreResult<void> Counters::load(Database& database, std::int64_t now_ms) {
  is_loaded_ = false;
  now_minute_ = now_ms / kMinuteMs;
  values_ = {};
  minutes_.fill({});
  chats_.fill(0);
  TRY(clamp_to(database, now_minute_));
  TRY(load_minutes(database));
  TRY(load_chats(database));
  const auto turns = TRY(database.integer_of("SELECT value FROM total WHERE name = 'turns'"));
  values_.turns_total = std::clamp<std::int64_t>(turns, 0, kCountMax);
  auto pruned = TRY(
      database.integer_of("SELECT coalesce(max(value), 0) FROM total WHERE name = 'chats_pruned'"));
  values_.chats_total += std::clamp<std::int64_t>(pruned, 0, kCountMax);
  const std::pair<Statement*, const char*> statements[] = {
      {&save_minute_,
       "INSERT INTO metric_minute VALUES (?1, ?2, ?3, ?4) ON CONFLICT (minute) DO UPDATE SET"
       " turns = turns + ?2, skipped = skipped + ?3, errors = errors + ?4"},
      {&save_turns_, "UPDATE total SET value = value + ?1 WHERE name = 'turns'"},
      {&save_pruned_chats_,
       "INSERT INTO total VALUES ('chats_pruned', ?1)"
       " ON CONFLICT (name) DO UPDATE SET value = value + ?1"}};
  return database.prepare_all(statements);
}

StoreResult<void> Counters::load_minutes(Database& database) {
  auto rows = TRY(database.prepare(
      "SELECT minute, turns, skipped, errors FROM metric_minute WHERE minute > ?1"));
  rows.bind(1, std::max<std::int64_t>(now_minute_ - kDayMinutes, kNever));
  for (;;) {
    if (!TRY(rows.step())) return {};
    const MinuteCounts minute{read_count(rows, 1), read_count(rows, 2), read_count(rows, 3)};
    minutes_[static_cast<std::size_t>(rows.integer(0) % kDayMinutes)] = minute;
    add(minute, 1);
  }
}

StoreResult<void> Counters::load_chats(Database& database) {
  auto rows = TRY(database.prepare("SELECT last_seen_minute FROM chat"));
  for (;;) {
    if (!TRY(rows.step())) return {};
    move_chat({kNever, rows.integer(0)});
  }
}

bool Counters::wants_load(std::int64_t now_ms) const noexcept {
  return !is_loaded_ || now_ms / kMinuteMs < now_minute_ - 1;
}

void Counters::roll(std::int64_t now_ms) {
  CHECK(added_minutes_.empty() && chat_moves_.empty());
  const std::int64_t now_minute = now_ms / kMinuteMs;
  if (now_minute <= now_minute_) return;
  // A minute takes the slot of the one that leaves the window; after a long pause all of them
  // leave.
  for (std::int64_t i = std::min(now_minute - now_minute_, kDayMinutes); i > 0; --i) {
    MinuteCounts& leaving = minutes_[static_cast<std::size_t>((now_minute_ + i) % kDayMinutes)];
    add(leaving, -1);
    leaving = {};
  }
  for (std::int64_t i = std::min(now_minute - now_minute_, kWeekMinutes); i > 0; --i) {
    std::int64_t& leaving = chats_[static_cast<std::size_t>((now_minute_ + i) % kWeekMinutes)];
    values_.chats_active_7d -= leaving;
    leaving = 0;
  }
  now_minute_ = now_minute;
}

MinuteCounts Counters::counts_of(std::int64_t minute) const noexcept {
  if (!in_window(minute, kDayMinutes)) return {};
  return minutes_[static_cast<std::size_t>(minute % kDayMinutes)];
}

std::int64_t Counters::minute_of(std::int64_t time_ms) const noexcept {
  return std::min(time_ms / kMinuteMs, now_minute_);
}

void Counters::count(const Event& event) {
  const bool turn = event.event_type == "tmux.turn.start";
  const bool skipped = event.decision_skip && event.event_type == "discriminator.decision";
  const bool error = event.level >= Level::error;
  if (!turn && !skipped && !error) return;
  turns_ += turn;
  const std::int64_t minute = minute_of(event.time_ms);
  if (!in_window(minute, kDayMinutes)) return;
  MinuteCounts& added = added_[static_cast<std::size_t>(minute % kDayMinutes)];
  if (added == MinuteCounts{}) added_minutes_.push_back(minute);
  added.turns += turn;
  added.skipped += skipped;
  added.errors += error;
}

void Counters::count_chat(std::int64_t from, std::int64_t to) { chat_moves_.push_back({from, to}); }

void Counters::count_pruned_chat(std::int64_t last_seen) {
  ++pruned_chats_;
  // Moves the chat to a minute outside all windows. It stays counted in chats_total.
  if (last_seen != kNever) chat_moves_.push_back({last_seen, kNever});
}

StoreResult<void> Counters::save() {
  if (turns_ > 0) {
    TRY(save_turns_.bind(1, turns_).run());
  }
  if (pruned_chats_ > 0) {
    TRY(save_pruned_chats_.bind(1, pruned_chats_).run());
  }
  for (const std::int64_t minute : added_minutes_) {
    const MinuteCounts& added = added_[static_cast<std::size_t>(minute % kDayMinutes)];
    save_minute_.bind(1, minute).bind(2, added.turns).bind(3, added.skipped).bind(4, added.errors);
    TRY(save_minute_.run());
  }
  return {};
}

void Counters::commit() noexcept {
  values_.turns_total += turns_;
  for (const std::int64_t minute : added_minutes_) {
    const auto place = static_cast<std::size_t>(minute % kDayMinutes);
    minutes_[place].turns += added_[place].turns;
    minutes_[place].skipped += added_[place].skipped;
    minutes_[place].errors += added_[place].errors;
    add(added_[place], 1);
  }
  for (const ChatMove& move : chat_moves_) move_chat(move);
  is_loaded_ = true;
  rollback();
}

void Counters::rollback() noexcept {
  turns_ = pruned_chats_ = 0;
  for (const std::int64_t minute : added_minutes_) {
    added_[static_cast<std::size_t>(minute % kDayMinutes)] = {};
  }
  added_minutes_.clear();
  chat_moves_.clear();
}

void Counters::add(const MinuteCounts& minute, int sign) noexcept {
  values_.turns_last_24h += sign * minute.turns;
  values_.discriminator_skipped_24h += sign * minute.skipped;
  values_.errors_last_24h += sign * minute.errors;
}

void Counters::move_chat(const ChatMove& move) noexcept {
  if (move.from == kNever) {
    ++values_.chats_total;
  } else if (in_window(move.from, kWeekMinutes)) {
    --chats_[static_cast<std::size_t>(move.from % kWeekMinutes)];
    --values_.chats_active_7d;
  }
  if (in_window(move.to, kWeekMinutes)) {
    ++chats_[static_cast<std::size_t>(move.to % kWeekMinutes)];
    ++values_.chats_active_7d;
  }
}

bool Counters::in_window(std::int64_t minute, std::int64_t window) const noexcept {
  return minute >= 0 && minute <= now_minute_ && minute > now_minute_ - window;
}

}  // namespace picortex
