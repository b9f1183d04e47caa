#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "base/uuid/uuid.h"

namespace picortex {

// The chats of recent turns, learned from events that came with the token: a process may know its
// turn's request ID without the chat that the turn belongs to. Bounded: the oldest turn is removed.
class TurnChats {
 public:
  static constexpr std::size_t kTurnsMax = 4096;

  void note(const Uuid& request_id, std::string_view chat_id);
  // Returns an empty text if it is unknown.
  std::string_view find(const Uuid& request_id) const;
  std::size_t size() const noexcept { return turns_.size(); }

 private:
  struct Turn {
    Uuid request_id;
    std::string chat_id;
  };
  // Clients may choose request IDs.
  struct Hash {
    KeyedHash hash;
    std::size_t operator()(const Uuid& id) const noexcept;
  };

  std::list<Turn> turns_;  // the most recent last
  std::unordered_map<Uuid, std::list<Turn>::iterator, Hash> by_id_;
};

}  // namespace picortex
