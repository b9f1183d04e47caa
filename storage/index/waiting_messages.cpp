#include "storage/index/waiting_messages.h"

#include <algorithm>
#include <map>
#include <utility>

#include "storage/event_id.h"
#include "storage/index/arrival_tail.h"
#include "storage/sqlite/uuid_column.h"

namespace picortex {
namespace {

// As `message_arrival`: the database has none yet.
constexpr std::int64_t kNotNoted = -1;

}  // namespace

StoreResult<void> WaitingMessages::prepare(Database& database, std::int64_t last_arrival) {
  database_ = &database;
  const std::pair<Statement*, const char*> statements[] = {
      {&oldest_,
       "SELECT request FROM turn_message WHERE chat = ?1 AND time_ms BETWEEN ?2 AND ?3"
       " ORDER BY time_ms LIMIT 1"},
      {&add_, "INSERT OR IGNORE INTO turn_message VALUES (?1, ?2, ?3)"},
      {&drop_, "DELETE FROM turn_message WHERE request = ?1"},
      {&drop_expired_, "DELETE FROM turn_message WHERE chat = ?1 AND time_ms < ?2"},
      {&prune_,
       "DELETE FROM turn_message WHERE request IN (SELECT request FROM turn_message"
       " WHERE time_ms < ?1 ORDER BY time_ms LIMIT ?2)"},
      {&note_arrival_, "INSERT OR REPLACE INTO total VALUES ('message_arrival', ?1)"}};
  TRY(database.prepare_all(statements));
  noted_arrival_ =
      TRY(database.integer_of("SELECT coalesce((SELECT value FROM total WHERE name ="
                              " 'message_arrival'), -1)"));
  // An older version wrote every message at once.
  arrival_ = noted_arrival_ == kNotNoted ? last_arrival : std::min(noted_arrival_, last_arrival);
  TRY(read_tail());
  commit();
  return {};
}

StoreResult<void> WaitingMessages::read_tail() {
  auto event = TRY(database_->prepare(
      "SELECT (SELECT name FROM event_type WHERE id = event.type), request,"
      " (SELECT name FROM chat WHERE id = event.chat) FROM event WHERE key = ?1 AND arrival = ?2"));
  const auto arrived = TRY(keys_arrived_after(*database_, arrival_));
  for (const ArrivedKey& each : arrived) {
    if (!TRY(event.bind(1, each.key).bind(2, each.arrival).step())) continue;
    if (is_message(event.text(0), event.text(2))) {
      tail_.push_back(
          {uuid_of(event.text(1)), std::string(event.text(2)), time_of(each.key), each.arrival});
    }
    event.reset();
  }
  return {};
}

StoreResult<void> WaitingMessages::add(const Event& message, std::int64_t arrival) {
  tail_.push_back({message.request_id, std::string(message.chat_id), message.time_ms, arrival});
  const auto unwritten = static_cast<std::int64_t>(tail_.size() - written_);
  return unwritten < kTailMax ? StoreResult<void>() : write_tail();
}

StoreResult<void> WaitingMessages::pass_over(std::int64_t arrival) {
  TRY(write_tail());
  arrival_ = arrival;
  return {};
}

StoreResult<std::optional<Uuid>> WaitingMessages::take_oldest(std::string_view chat_id,
                                                              std::int64_t from_ms,
                                                              std::int64_t to_ms) {
  TRY(write_tail());
  if (!TRY(oldest_.bind_text(1, chat_id).bind(2, from_ms).bind(3, to_ms).step())) {
    return std::nullopt;
  }
  const Uuid oldest = uuid_of(oldest_.text(0));
  oldest_.reset();
  TRY(drop_.bind_blob(1, oldest.bytes).run());
  return oldest;
}

StoreResult<void> WaitingMessages::drop(const Uuid& request) {
  TRY(write_tail());
  return drop_.bind_blob(1, request.bytes).run();
}

StoreResult<std::size_t> WaitingMessages::prune(std::int64_t before_ms, std::size_t rows_max) {
  TRY(prune_.bind(1, before_ms).bind(2, static_cast<std::int64_t>(rows_max)).run());
  return static_cast<std::size_t>(database_->changes());
}

// A message makes those of its chat expire that are older by more than they can wait, so that a chat
// whose messages never get a prompt keeps an hour's worth of them.
StoreResult<void> WaitingMessages::write_tail() {
  if (written_ == tail_.size()) return {};
  std::map<std::string_view, std::int64_t> newest_ms;
  std::vector<const Message*> kept;
  for (std::size_t i = tail_.size(); i-- > written_;) {
    const Message& message = tail_[i];
    std::int64_t& newest = newest_ms.try_emplace(message.chat_id, message.time_ms).first->second;
    if (message.time_ms >= newest - kWaitMaxMs) kept.push_back(&message);
    newest = std::max(newest, message.time_ms);
  }
  for (const auto& [chat, newest] : newest_ms) {
    TRY(drop_expired_.bind_text(1, chat).bind(2, newest - kWaitMaxMs).run());
  }
  for (auto message = kept.crbegin(); message != kept.crend(); ++message) {
    add_.bind_blob(1, (*message)->request.bytes).bind_text(2, (*message)->chat_id);
    TRY(add_.bind(3, (*message)->time_ms).run());
  }
  arrival_ = std::max(arrival_, tail_.back().arrival);
  // What is rolled back is still needed.
  written_ = tail_.size();
  return {};
}

StoreResult<void> WaitingMessages::save(std::int64_t last_arrival) {
  if (last_arrival - arrival_ >= kTailMax) TRY(pass_over(last_arrival));
  if (arrival_ == noted_arrival_) return {};
  noted_arrival_ = arrival_;
  return note_arrival_.bind(1, arrival_).run();
}

void WaitingMessages::commit() {
  tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(written_));
  written_ = 0;
  committed_tail_ = tail_.size();
  committed_arrival_ = arrival_;
  committed_noted_arrival_ = noted_arrival_;
}

void WaitingMessages::rollback() {
  tail_.resize(committed_tail_);
  written_ = 0;
  arrival_ = committed_arrival_;
  noted_arrival_ = committed_noted_arrival_;
}

}  // namespace picortex
