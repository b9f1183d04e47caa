#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/counters.h"
#include "storage/database.h"

namespace picortex {

// The numbers by which rows of `event` call event types and chats, made at first use. Known names
// are found in memory without an allocation; the memory is bounded, and what it lacks is read from
// the tables. All but commit() and rollback() within a write transaction. Part of the EventStore.
class Names {
 public:
  // Names of each kind that are remembered.
  static constexpr std::size_t kRememberedMax = 4096;

  StoreResult<void> prepare(Database& database);

  StoreResult<std::int64_t> type_id(std::string_view name);
  // Also notes that the chat was seen in `minute`, in its row and in `counters`.
  StoreResult<std::int64_t> chat_id(std::string_view name, std::int64_t minute, Counters& counters);

  void commit() noexcept { changed_ = false; }
  // Forgets what only the transaction knew.
  void rollback() noexcept;

 private:
  struct Chat {
    std::int64_t id;
    std::int64_t last_seen_minute;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };
  template <class Value>
  using Map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  // The chat as remembered, read or, when it is new, made.
  StoreResult<Chat*> find_chat(std::string_view name, std::int64_t minute, Counters& counters);

  template <class Value>
  Value& remember(Map<Value>& map, std::string_view name, Value value);

  Map<std::int64_t> types_;
  Map<Chat> chats_;
  bool changed_ = false;  // true when they hold what is not committed yet

  Statement find_type_;
  Statement insert_type_;
  Statement find_chat_;
  Statement insert_chat_;
  Statement see_chat_;
};

}  // namespace picortex
