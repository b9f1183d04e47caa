#include "storage/chat_eraser.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace picortex {
namespace {

// Rows of the table of turns that one slice looks at.
constexpr std::int64_t kTurnsWalked = 20'000;
constexpr std::int64_t kWheneverSeen = std::numeric_limits<std::int64_t>::max();

}  // namespace

StoreResult<void> ChatEraser::prepare(Database& database, NameInterner& names, Counters& counters,
                                      EventIndexes& indexes) {
  database_ = &database;
  names_ = &names;
  counters_ = &counters;
  indexes_ = &indexes;
  const std::pair<Statement*, const char*> statements[] = {
      {&find_chat_, "SELECT id FROM chat WHERE name = ?1"},
      {&first_request_, "SELECT request FROM event WHERE chat = ?1 LIMIT 1"},
      {&is_turn_of_, "SELECT 1 FROM turn WHERE request = ?1 AND chat = ?2"},
      {&erase_unnamed_,
       "DELETE FROM event WHERE key IN (SELECT key FROM event WHERE request = ?1 AND chat IS NULL"
       " LIMIT ?2) RETURNING type, chat, key, level, arrival"},
      {&erase_named_,
       "DELETE FROM event WHERE key IN (SELECT key FROM event WHERE request = ?1 AND chat = ?2"
       " LIMIT ?3) RETURNING type, chat, key, level, arrival"},
      {&erase_messages_,
       "DELETE FROM turn_message WHERE request IN"
       " (SELECT request FROM turn_message WHERE chat = ?1 LIMIT ?2)"},
      {&find_turn_, "SELECT session, run FROM turn WHERE request = ?1"},
      {&erase_prompts_, "DELETE FROM turn_prompt WHERE session = ?1 AND request = ?2"},
      {&erase_run_, "DELETE FROM turn_run WHERE run = ?1"},
      {&erase_turn_, "DELETE FROM turn WHERE request = ?1"},
      {&walk_end_,
       "SELECT coalesce(max(rowid), ?1) FROM (SELECT rowid FROM turn WHERE rowid > ?1"
       " ORDER BY rowid LIMIT ?2)"},
      {&walk_, "SELECT request FROM turn WHERE rowid > ?1 AND rowid <= ?2 AND chat = ?3 LIMIT 1"}};
  return database.prepare_all(statements);
}

std::int64_t ChatEraser::left() const noexcept {
  return static_cast<std::int64_t>(rows_max_ - std::min(rows_, rows_max_));
}

StoreResult<Erased> ChatEraser::erase(std::string_view chat_id, std::size_t rows_max) {
  rows_max_ = rows_max;
  rows_ = 0;
  erased_ = {};
  if (walked_chat_ != chat_id) {
    walked_chat_ = chat_id;
    walked_up_to_ = 0;
  }
  const auto chat = TRY(find_chat_.bind_text(1, chat_id).lookup());
  erased_.more = true;
  while (chat && left() > 0) {
    if (!TRY(erase_next_request(*chat, chat_id))) break;
  }
  if (left() == 0) return erased_;
  TRY(erase_messages_.bind_text(1, chat_id).bind(2, left()).run());
  rows_ += static_cast<std::size_t>(database_->changes());
  if (left() == 0 || !TRY(erase_turns(chat_id))) return erased_;
  if (chat) TRY(names_->prune_chat(*chat, kWheneverSeen, *counters_));
  walked_chat_.clear();
  erased_.more = false;
  return erased_;
}

// Deletes what is left of the request of the chat's first event, or a part of it. Returns false if
// the chat has no event.
StoreResult<bool> ChatEraser::erase_next_request(std::int64_t chat, std::string_view chat_id) {
  if (!TRY(first_request_.bind(1, chat).step())) return false;
  const std::string request(first_request_.text(0));
  first_request_.reset();
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(request.data()), request.size());
  // Events without a chat go first, as long as one with the chat leads to them.
  const auto is_turn = TRY(is_turn_of_.bind_blob(1, bytes).bind_text(2, chat_id).lookup());
  if (is_turn) TRY(erase_events(erase_unnamed_.bind_blob(1, bytes).bind(2, left())));
  if (left() == 0) return true;
  TRY(erase_events(erase_named_.bind_blob(1, bytes).bind(2, chat).bind(3, left())));
  if (left() > 0 && is_turn) TRY(erase_turn(request));
  return true;
}

StoreResult<void> ChatEraser::erase_events(Statement& statement) {
  while (TRY(statement.step())) {
    ++rows_;
    ++erased_.events;
    const std::int64_t key = statement.integer(2);
    indexes_->note_deleted({.key = key,
                            .type = statement.integer(0),
                            .chat = statement.integer(1),
                            .level = level_of_number(statement.integer(3)).value_or(Level::fatal),
                            .arrival = statement.integer(4)});
    TRY(indexes_->note_erased(key));
  }
  return {};
}

StoreResult<void> ChatEraser::erase_turn(std::string_view request) {
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(request.data()), request.size());
  if (TRY(find_turn_.bind_blob(1, bytes).step())) {
    const std::string session(find_turn_.text(0));
    const std::string run(find_turn_.text(1));
    find_turn_.reset();
    const auto blob = [](const std::string& text) {
      return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    };
    TRY(erase_prompts_.bind_blob(1, blob(session)).bind_blob(2, bytes).run());
    TRY(erase_run_.bind_blob(1, blob(run)).run());
  }
  TRY(erase_turn_.bind_blob(1, bytes).run());
  const auto turns = static_cast<std::size_t>(database_->changes());
  rows_ += turns;
  erased_.turns += turns;
  return {};
}

// Deletes the chat's turns among the next rows of the table. Returns true at its end.
StoreResult<bool> ChatEraser::erase_turns(std::string_view chat_id) {
  const std::int64_t end = TRY(walk_end_.bind(1, walked_up_to_).bind(2, kTurnsWalked).value());
  if (end == walked_up_to_) return true;
  while (left() > 0) {
    if (!TRY(walk_.bind(1, walked_up_to_).bind(2, end).bind_text(3, chat_id).step())) {
      walked_up_to_ = end;
      return false;
    }
    const std::string request(walk_.text(0));
    walk_.reset();
    TRY(erase_turn(request));
  }
  return false;
}

}  // namespace picortex
