#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/counters.h"
#include "storage/index/event_indexes.h"
#include "storage/name_interner.h"
#include "storage/sqlite/database.h"

namespace picortex {

// The result of one call of ChatEraser::erase().
struct Erased {
  std::size_t events = 0;
  std::size_t turns = 0;
  bool more = false;  // there is or may be more to delete
};

// Deletes all that is stored of one chat, a slice at a time:
//
//   its events, and those of its turns that name no chat, such as an alert's delivery
//   its turns, with their prompts, their processes and the messages that wait
//   the text filters of the blocks that held its events, which are built again
//   its name
//
// The counts of days gone by (totals, minutes) and the fence's table of hosts name no chat and stay.
// SQLite overwrites what is deleted with zeros (PRAGMA secure_delete). Part of the EventStore.
class ChatEraser {
 public:
  // Call it once. References passed in must outlive this object.
  StoreResult<void> prepare(Database& database, NameInterner& names, Counters& counters,
                            EventIndexes& indexes);

  // Within a transaction. Deletes about `rows_max` rows at most.
  StoreResult<Erased> erase(std::string_view chat_id, std::size_t rows_max);

 private:
  StoreResult<bool> erase_next_request(std::int64_t chat, std::string_view chat_id);
  StoreResult<void> erase_events(Statement& statement);
  StoreResult<bool> erase_turns(std::string_view chat_id);
  StoreResult<void> erase_turn(std::string_view request);
  std::int64_t left() const noexcept;

  Database* database_ = nullptr;
  NameInterner* names_ = nullptr;
  Counters* counters_ = nullptr;
  EventIndexes* indexes_ = nullptr;

  // Of the slice at hand.
  std::size_t rows_max_ = 0;
  std::size_t rows_ = 0;
  Erased erased_;

  // Turns that have no event left are found by a walk over the table, which goes on from slice to
  // slice.
  std::string walked_chat_;
  std::int64_t walked_up_to_ = 0;

  Statement find_chat_;
  Statement first_request_;
  Statement is_turn_of_;
  Statement erase_unnamed_;
  Statement erase_named_;
  Statement erase_messages_;
  Statement find_turn_;
  Statement erase_prompts_;
  Statement erase_run_;
  Statement erase_turn_;
  Statement walk_end_;
  Statement walk_;
};

}  // namespace picortex
