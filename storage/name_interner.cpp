#include "storage/name_interner.h"

#include <algorithm>
#include <utility>

namespace picortex {
namespace {

// Above this (a damaged or hostile file), SQLite chooses the numbers.
constexpr std::int64_t kIdMax = std::int64_t{1} << 40;

}  // namespace

StoreResult<void> NameInterner::prepare(Database& database) {
  const std::pair<Statement*, const char*> statements[] = {
      {&find_type_, "SELECT id FROM event_type WHERE name = ?1"},
      {&insert_type_, "INSERT INTO event_type (name, id) VALUES (?1, ?2) RETURNING id"},
      {&find_chat_, "SELECT id, last_seen_minute FROM chat WHERE name = ?1"},
      {&insert_chat_,
       "INSERT INTO chat (name, id, last_seen_minute) VALUES (?1, ?2, ?3) RETURNING id"},
      {&see_chat_, "UPDATE chat SET last_seen_minute = ?2 WHERE id = ?1"},
      {&prune_type_,
       "DELETE FROM event_type WHERE id = ?1 AND NOT EXISTS"
       " (SELECT 1 FROM event WHERE type = ?1) RETURNING name"},
      {&drop_dictionary_, "DELETE FROM dictionary WHERE type = ?1"},
      {&prune_chat_,
       "DELETE FROM chat WHERE id = ?1 AND last_seen_minute < ?2 AND NOT EXISTS"
       " (SELECT 1 FROM event WHERE chat = ?1) RETURNING name, last_seen_minute"}};
  TRY(database.prepare_all(statements));
  auto type = TRY(database.integer_of("SELECT coalesce(max(id), 0) FROM event_type"));
  auto chat = TRY(database.integer_of("SELECT coalesce(max(id), 0) FROM chat"));
  next_type_id_ = std::min(type, kIdMax) + 1;
  next_chat_id_ = std::min(chat, kIdMax) + 1;
  return {};
}

StoreResult<std::int64_t> NameInterner::make(Statement& insert, std::string_view name,
                                             std::int64_t& next_id) {
  insert.bind_text(1, name);
  if (next_id <= kIdMax) {
    insert.bind(2, next_id++);
  } else {
    insert.bind_null(2);
  }
  return insert.value();
}

StoreResult<std::int64_t> NameInterner::type_id(std::string_view name) {
  if (const auto known = types_.find(name); known != types_.end()) return known->second;
  auto found = TRY(find_type_.bind_text(1, name).lookup());
  if (found) return remember(types_, name, *found);
  auto made = TRY(make(insert_type_, name, next_type_id_));
  return remember(types_, name, made);
}

StoreResult<std::int64_t> NameInterner::chat_id(std::string_view name, std::int64_t minute,
                                                Counters& counters) {
  auto found = TRY(find_chat(name, minute, counters));
  Chat& chat = *found;
  if (minute > chat.last_seen_minute) {
    TRY(see_chat_.bind(1, chat.id).bind(2, minute).run());
    counters.count_chat(chat.last_seen_minute, minute);
    chat.last_seen_minute = minute;
    changed_ = true;
  }
  return chat.id;
}

StoreResult<NameInterner::Chat*> NameInterner::find_chat(std::string_view name, std::int64_t minute,
                                                         Counters& counters) {
  if (const auto known = chats_.find(name); known != chats_.end()) return &known->second;
  if (TRY(find_chat_.bind_text(1, name).step())) {
    const Chat chat{find_chat_.integer(0), find_chat_.integer(1)};
    find_chat_.reset();
    return &remember(chats_, name, chat);
  }
  auto id = TRY(make(insert_chat_.bind(3, minute), name, next_chat_id_));
  counters.count_chat(Counters::kNever, minute);
  return &remember(chats_, name, Chat{id, minute});
}

template <class Value>
Value& NameInterner::remember(Map<Value>& map, std::string_view name, Value value) {
  if (map.size() >= kRememberedMax) map.clear();
  changed_ = true;
  return map.emplace(name, value).first->second;
}

StoreResult<bool> NameInterner::prune_type(std::int64_t id) {
  if (!TRY(prune_type_.bind(1, id).step())) return false;
  if (const auto known = types_.find(prune_type_.text(0)); known != types_.end()) {
    types_.erase(known);
    changed_ = true;
  }
  TRY(prune_type_.run());
  // What its data were compressed with (storage/compression/data_compressor.h): nothing needs it now.
  TRY(drop_dictionary_.bind(1, id).run());
  return true;
}

StoreResult<bool> NameInterner::prune_chat(std::int64_t id, std::int64_t seen_before,
                                           Counters& counters) {
  if (!TRY(prune_chat_.bind(1, id).bind(2, seen_before).step())) return false;
  if (const auto known = chats_.find(prune_chat_.text(0)); known != chats_.end()) {
    chats_.erase(known);
    changed_ = true;
  }
  counters.count_pruned_chat(prune_chat_.integer(1));
  TRY(prune_chat_.run());
  return true;
}

void NameInterner::rollback() noexcept {
  if (changed_) clear();
}

void NameInterner::clear() noexcept {
  types_.clear();
  chats_.clear();
  changed_ = false;
}

}  // namespace picortex
