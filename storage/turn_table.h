#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/event.h"
#include "storage/index/waiting_messages.h"
#include "storage/sqlite/database.h"
#include "storage/turn_note.h"
#include "storage/turns_so_far.h"

namespace picortex {

// The writer of the tables of turns, within the events' own transactions. A turn is one message and
// all that an agent does for it; its identity is a request ID.
//
//   turn          a row a turn: what its events add up to
//   turn_prompt   (session, prompt) -> the turn that it belongs to
//   turn_message  messages that wait for a prompt, by chat (storage/index/waiting_messages.h)
//   turn_run      which records of a process have come (storage/index/run_ranges.h)
//
// Which turn a note belongs to, in this order:
//   1. the one that its (session, prompt) is bound to already;
//   2. for a synthetic prompt: the one that began its task, else the session's last one;
//   3. for a submission: the chat's oldest message that waits, if one has come within kWaitMax;
//   4. the one that its environment names, unless a submission has bound a prompt of the session:
//      then the environment is that of a session which serves many messages;
//   5. one of its own, whose ID follows from (session, prompt).
// A note without a prompt belongs to a turn of the session itself, or, if it goes by time, to the
// session's last turn that began before it.
//
// A message waits from an event of a type that ends in ".inbound", until a prompt takes it, its
// decision is to skip it, or a process is started for it. Part of the EventStore.
class TurnTable {
 public:
  // How long a message can wait for its prompt.
  static constexpr std::int64_t kWaitMaxMs = WaitingMessages::kWaitMaxMs;

  // Call it once. `database` must outlive this object. `last_arrival` is the number of the newest
  // event; 0: the database has no order of arrival.
  StoreResult<void> prepare(Database& database, std::int64_t last_arrival);

  // What is known of turns before this process stores any.
  StoreResult<TurnsSoFar> so_far(std::int64_t now_ms);

  // Before the event is stored: the request ID that it is stored under.
  StoreResult<Uuid> resolve(const Event& event);
  // After that, with its request ID settled; not for an event that was there already. `arrival` is
  // its number.
  StoreResult<void> note(const Event& event, std::int64_t arrival);

  // Deletes at most `rows_max` rows of turns, prompts, messages and runs from before `before_ms`.
  // Returns how many.
  StoreResult<std::size_t> prune(std::int64_t before_ms, std::size_t rows_max);
  // Brings the table of messages up to date.
  StoreResult<void> write_messages() { return messages_.write_tail(); }

  // Within the transaction, all of whose events have arrived by `last_arrival`; then one of the next
  // two.
  StoreResult<void> save(std::int64_t last_arrival) { return messages_.save(last_arrival); }
  void commit() { messages_.commit(); }
  void rollback() { messages_.rollback(); }

 private:
  StoreResult<Uuid> find_turn(const Event& event, const TurnNote& note);
  StoreResult<Uuid> bind_prompt(const Event& event, const TurnNote& note);
  StoreResult<void> bind(const TurnNote& note, const Uuid& turn, std::int64_t time_ms,
                         bool is_bound = false);
  StoreResult<std::optional<Uuid>> parent_of(const Event& event, const TurnNote& note);
  StoreResult<std::optional<Uuid>> take_message(const Event& event);
  StoreResult<void> interrupt_others(const Event& event, const TurnNote& note, const Uuid& turn);
  StoreResult<void> note_telemetry(const Event& event, const TurnNote& note);
  StoreResult<void> note_run(const Event& event, const TurnNote& note);
  StoreResult<void> note_egress(const Event& event, std::int64_t connections, std::int64_t denied);
  StoreResult<void> note_traffic(const Event& event, std::int64_t bytes_up);
  StoreResult<void> note_other(const Event& event, std::int64_t arrival);

  Database* database_ = nullptr;
  WaitingMessages messages_;
  std::string ranges_;

  Statement find_prompt_;
  Statement add_prompt_;
  Statement last_prompt_;
  Statement is_served_;
  Statement find_event_;
  Statement add_;
  Statement set_state_;
  Statement wait_;
  Statement interrupt_;
  Statement end_;
  Statement extend_;
  Statement add_egress_;
  Statement add_traffic_;
  Statement find_run_;
  Statement save_run_;
  Statement prune_turns_;
  Statement prune_prompts_;
  Statement prune_runs_;
};

}  // namespace picortex
