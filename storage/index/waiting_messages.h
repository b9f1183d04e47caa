#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid/uuid.h"
#include "storage/event.h"
#include "storage/sqlite/database.h"

namespace picortex {

// The writer of the table `turn_message`: the messages that wait for a prompt, by chat. A row costs
// three places in B-trees, which commits of a few events would write again and again. So messages
// that no prompt has asked for yet stay in memory, the tail, and are written many at once:
//
//   messages that wait = rows of `turn_message`
//                      + the messages among the events that arrived after number
//                        `message_arrival` of `total`, in the order of arrival
//
// Whatever looks for messages or drops them writes the tail first. prepare() reads the tail from the
// events, so nothing is lost. Part of the TurnTable.
class WaitingMessages {
 public:
  // Events that may have arrived after the table was brought up to date, except in one transaction.
  static constexpr std::int64_t kTailMax = 512;
  // How long a message can wait for its prompt.
  static constexpr std::int64_t kWaitMaxMs = 3'600'000;

  static bool is_message(std::string_view event_type, std::string_view chat_id) noexcept {
    return event_type.ends_with(".inbound") && !chat_id.empty();
  }

  // Call it once. `last_arrival` is the number of the newest event.
  StoreResult<void> prepare(Database& database, std::int64_t last_arrival);

  // Within the transaction that stored the message, as the event of that number.
  StoreResult<void> add(const Event& message, std::int64_t arrival);
  // Although is_message() is true of the event of that number, no message waits for it.
  StoreResult<void> pass_over(std::int64_t arrival);
  // Returns the chat's oldest message within these times, which waits no more.
  StoreResult<std::optional<Uuid>> take_oldest(std::string_view chat_id, std::int64_t from_ms,
                                               std::int64_t to_ms);
  StoreResult<void> drop(const Uuid& request);
  // Deletes at most `rows_max` rows of messages from before `before_ms`. Returns how many.
  StoreResult<std::size_t> prune(std::int64_t before_ms, std::size_t rows_max);
  // Writes the tail.
  StoreResult<void> write_tail();

  // Within the transaction, all of whose events have arrived by `last_arrival`; then one of the next
  // two.
  StoreResult<void> save(std::int64_t last_arrival);
  void commit();
  void rollback();

 private:
  struct Message {
    Uuid request;
    std::string chat_id;
    std::int64_t time_ms;
    std::int64_t arrival;
  };

  StoreResult<void> read_tail();

  Database* database_ = nullptr;
  std::int64_t arrival_ = 0;        // the rows have the messages up to this number
  std::int64_t noted_arrival_ = 0;  // what the table `total` says about that
  std::int64_t committed_arrival_ = 0;
  std::int64_t committed_noted_arrival_ = 0;
  std::vector<Message> tail_;
  std::size_t written_ = 0;         // of the tail, in the open transaction
  std::size_t committed_tail_ = 0;  // of the tail, from before the open transaction

  Statement oldest_;
  Statement add_;
  Statement drop_;
  Statement drop_expired_;
  Statement prune_;
  Statement note_arrival_;
};

}  // namespace picortex
