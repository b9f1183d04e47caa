#include "storage/names.h"

#include <utility>

namespace picortex {

StoreResult<void> Names::prepare(Database& database) {
  const std::pair<Statement*, const char*> statements[] = {
      {&find_type_, "SELECT id FROM event_type WHERE name = ?1"},
      {&insert_type_, "INSERT INTO event_type (name) VALUES (?1) RETURNING id"},
      {&find_chat_, "SELECT id, last_seen_minute FROM chat WHERE name = ?1"},
      {&insert_chat_, "INSERT INTO chat (name, last_seen_minute) VALUES (?1, ?2) RETURNING id"},
      {&see_chat_, "UPDATE chat SET last_seen_minute = ?2 WHERE id = ?1"}};
  return database.prepare_all(statements);
}

StoreResult<std::int64_t> Names::type_id(std::string_view name) {
  if (const auto known = types_.find(name); known != types_.end()) return known->second;
  auto id = find_type_.bind_text(1, name).lookup();
  if (id && !*id) id = insert_type_.bind_text(1, name).lookup();
  if (!id) return std::unexpected(std::move(id.error()));
  return remember(types_, name, id->value());
}

StoreResult<std::int64_t> Names::chat_id(std::string_view name, std::int64_t minute,
                                         Counters& counters) {
  auto found = find_chat(name, minute, counters);
  if (!found) return std::unexpected(std::move(found.error()));
  Chat& chat = **found;
  if (minute > chat.last_seen_minute) {
    if (auto done = see_chat_.bind(1, chat.id).bind(2, minute).run(); !done) {
      return std::unexpected(std::move(done.error()));
    }
    counters.count_chat(chat.last_seen_minute, minute);
    chat.last_seen_minute = minute;
    changed_ = true;
  }
  return chat.id;
}

StoreResult<Names::Chat*> Names::find_chat(std::string_view name, std::int64_t minute,
                                           Counters& counters) {
  if (const auto known = chats_.find(name); known != chats_.end()) return &known->second;
  auto row = find_chat_.bind_text(1, name).step();
  if (!row) return std::unexpected(std::move(row.error()));
  if (*row) {
    const Chat chat{find_chat_.integer(0), find_chat_.integer(1)};
    find_chat_.reset();
    return &remember(chats_, name, chat);
  }
  auto id = insert_chat_.bind_text(1, name).bind(2, minute).lookup();
  if (!id) return std::unexpected(std::move(id.error()));
  counters.count_chat(Counters::kNever, minute);
  return &remember(chats_, name, Chat{id->value(), minute});
}

template <class Value>
Value& Names::remember(Map<Value>& map, std::string_view name, Value value) {
  if (map.size() >= kRememberedMax) map.clear();
  changed_ = true;
  return map.emplace(name, value).first->second;
}

void Names::rollback() noexcept {
  if (!changed_) return;
  types_.clear();
  chats_.clear();
  changed_ = false;
}

}  // namespace picortex
