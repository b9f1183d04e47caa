#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/pipeline/event_observer.h"
#include "handlers/pipeline/spending_limit.h"

namespace picortex {

// What the agents of each chat have spent during the last 7 days, by the minute, as their model
// calls say. Begins with what the table of turns says, so it survives a restart; such a turn counts
// at its beginning.
//
// A chat is charged only for what was sent by a sender that has proved to speak for it
// (TurnNote::is_chat_proved): no agent can use up the budget of another chat.
class SpendingLedger final : public EventObserver {
 public:
  static constexpr std::size_t kEntriesMax = 200'000;
  static constexpr std::size_t kChatsMax = 10'000;

  void on_opened(const TurnsSoFar& turns) noexcept override;
  void append(const Event& event) noexcept override;
  void publish(const ClockReading& now) noexcept override;
  void discard() noexcept override { pending_.clear(); }

  // Returns the millionths of a dollar that the chat, or all chats together if it is empty, have
  // spent within `window_ms` up to `unix_ms`, to the minute.
  std::int64_t spent(std::string_view chat_id, std::int64_t window_ms, std::int64_t unix_ms) const;
  // The chats that have spent something since the last call, each once.
  std::vector<std::string> take_changed();
  // Forgets the chat.
  void forget(std::string_view chat_id);

 private:
  using Minutes = std::map<std::int64_t, std::int64_t>;  // minute of Unix time -> millionths

  void add(const std::string& chat_id, std::int64_t minute, std::int64_t micros);
  void drop_before(std::int64_t minute);
  void make_room();

  std::map<std::string, Minutes, std::less<>> chats_;  // under the empty name: all of them
  std::size_t entries_ = 0;
  std::vector<TurnsSoFar::Spent> pending_;
  std::vector<std::string> changed_;
};

}  // namespace picortex
