#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/counters.h"
#include "storage/sqlite/database.h"

namespace picortex {

// The numbers by which rows of `event` refer to event types and chats, assigned at first use. Known
// names are found in memory without an allocation; the memory is bounded, and missing names are
// read from the tables. The number of a pruned name is not assigned again while the process lives,
// since a query may still look for it. All calls except commit() and rollback() must be within a
// write transaction. Part of the EventStore.
class NameInterner {
 public:
  // How many names of each kind are remembered.
  static constexpr std::size_t kRememberedMax = 4096;

  StoreResult<void> prepare(Database& database);

  StoreResult<std::int64_t> type_id(std::string_view name);
  // Also records that the chat was seen in `minute`, in its row and in `counters`.
  StoreResult<std::int64_t> chat_id(std::string_view name, std::int64_t minute, Counters& counters);

  // Deletes the row of an event type that no event has. Returns whether there was one.
  StoreResult<bool> prune_type(std::int64_t id);
  // Does the same for a chat that was last seen before the minute `seen_before`. It stays counted
  // in `counters`, except as active.
  StoreResult<bool> prune_chat(std::int64_t id, std::int64_t seen_before, Counters& counters);

  void commit() noexcept { changed_ = false; }
  // Drops from memory what only the transaction added.
  void rollback() noexcept;
  // Drops everything from memory, because others have changed the tables.
  void clear() noexcept;

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

  // Returns the chat from memory or the table, or creates it.
  StoreResult<Chat*> find_chat(std::string_view name, std::int64_t minute, Counters& counters);

  template <class Value>
  Value& remember(Map<Value>& map, std::string_view name, Value value);

  StoreResult<std::int64_t> make(Statement& insert, std::string_view name, std::int64_t& next_id);

  Map<std::int64_t> types_;
  Map<Chat> chats_;
  bool changed_ = false;  // true if they hold uncommitted names
  std::int64_t next_type_id_ = 1;
  std::int64_t next_chat_id_ = 1;

  Statement find_type_;
  Statement insert_type_;
  Statement find_chat_;
  Statement insert_chat_;
  Statement see_chat_;
  Statement prune_type_;
  Statement drop_dictionary_;
  Statement prune_chat_;
};

}  // namespace picortex
