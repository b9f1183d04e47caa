#include "storage/turn_table.h"

#include <utility>

#include "storage/egress_host_table.h"
#include "storage/index/run_ranges.h"
#include "storage/sqlite/uuid_column.h"

namespace picortex {
namespace {

// The UUID in the first column of the first row; none when there is no row.
StoreResult<std::optional<Uuid>> look_up_uuid(Statement& statement) {
  if (!TRY(statement.step())) return std::optional<Uuid>();
  const Uuid found = uuid_of(statement.text(0));
  statement.reset();
  return std::optional<Uuid>(found);
}

// The turn of a prompt that nothing else names: what (session, prompt) has in common with no other.
// Both are hashes or random already.
Uuid own_turn_of(const TurnNote& note) noexcept {
  Uuid turn;
  for (std::size_t i = 0; i < turn.bytes.size(); ++i) {
    turn.bytes[i] = static_cast<std::uint8_t>(note.session.bytes[i] ^
                                              note.prompt.bytes[(i + 5) % turn.bytes.size()]);
  }
  turn.bytes[6] = (turn.bytes[6] & 0x0f) | 0x80;
  turn.bytes[8] = (turn.bytes[8] & 0x3f) | 0x80;
  return turn;
}

}  // namespace

const char* turn_state_label(TurnState state) noexcept {
  switch (state) {
    case TurnState::running:
      return "running";
    case TurnState::waiting:
      return "waiting";
    case TurnState::done:
      return "done";
    case TurnState::failed:
      return "failed";
    case TurnState::interrupted:
      return "interrupted";
    case TurnState::ended:
      return "ended";
    case TurnState::blocked:
      return "blocked";
    case TurnState::none:
      break;
  }
  return "";
}

StoreResult<void> TurnTable::prepare(Database& database, std::int64_t last_arrival) {
  database_ = &database;
  TRY(messages_.prepare(database, last_arrival));
  const std::pair<Statement*, const char*> statements[] = {
      {&find_prompt_, "SELECT request FROM turn_prompt WHERE session = ?1 AND prompt = ?2"},
      {&add_prompt_, "INSERT OR IGNORE INTO turn_prompt VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&last_prompt_,
       "SELECT request FROM turn_prompt WHERE session = ?1 AND start_ms <= ?2"
       " ORDER BY start_ms DESC LIMIT 1"},
      {&is_served_, "SELECT 1 FROM turn_prompt WHERE session = ?1 AND is_bound = 1 LIMIT 1"},
      {&find_event_, "SELECT request FROM event WHERE client_id = ?1"},
      {&add_,
       "INSERT INTO turn (request, chat, session, run, start_ms, end_ms, is_agent, is_claimed,"
       " model_calls, unknown_costs, cost_micros, input_tokens, output_tokens, cache_read_tokens,"
       " cache_creation_tokens, api_ms, tools, failed_tools, rejected_tools, api_errors, retries,"
       " blocked_ms, subagents) VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
       " ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
       " ON CONFLICT DO UPDATE SET is_agent = 1, is_claimed = is_claimed | excluded.is_claimed,"
       " chat = iif(chat = '', excluded.chat, chat),"
       " session = coalesce(session, excluded.session), run = coalesce(excluded.run, run),"
       " start_ms = min(start_ms, excluded.start_ms), end_ms = max(end_ms, excluded.end_ms),"
       " model_calls = model_calls + excluded.model_calls,"
       " unknown_costs = unknown_costs + excluded.unknown_costs,"
       " cost_micros = iif(excluded.cost_micros IS NULL, cost_micros,"
       " coalesce(cost_micros, 0) + excluded.cost_micros),"
       " input_tokens = input_tokens + excluded.input_tokens,"
       " output_tokens = output_tokens + excluded.output_tokens,"
       " cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,"
       " cache_creation_tokens = cache_creation_tokens + excluded.cache_creation_tokens,"
       " api_ms = api_ms + excluded.api_ms, tools = tools + excluded.tools,"
       " failed_tools = failed_tools + excluded.failed_tools,"
       " rejected_tools = rejected_tools + excluded.rejected_tools,"
       " api_errors = api_errors + excluded.api_errors, retries = retries + excluded.retries,"
       " blocked_ms = blocked_ms + excluded.blocked_ms,"
       " subagents = subagents + excluded.subagents"},
      // Of two at the same moment the one that says more counts.
      {&set_state_,
       "UPDATE turn SET state = ?2, state_ms = ?3 WHERE request = ?1"
       " AND (state_ms < ?3 OR (state_ms = ?3 AND state < ?2))"},
      {&wait_,
       "UPDATE turn SET waited_ms = waited_ms + ?2 - state_ms"
       " WHERE request = ?1 AND state = 2 AND state_ms < ?2"},
      // What was running or waiting when the session's next prompt came.
      {&interrupt_,
       "UPDATE turn SET state = 5, state_ms = ?3 WHERE session = ?1 AND request <> ?2"
       " AND state IN (1, 2) AND state_ms < ?3"},
      // An answer, or an error, stays what it was when the process ends after it.
      {&end_,
       "UPDATE turn SET state = ?2, state_ms = ?3 WHERE request = ?1 AND state IN (0, 1, 2)"
       " AND state_ms <= ?3"},
      {&extend_, "UPDATE turn SET end_ms = max(end_ms, ?2) WHERE request = ?1"},
      {&add_egress_,
       "INSERT INTO turn (request, chat, start_ms, end_ms, connections, denied)"
       " VALUES (?1, ?2, ?3, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET"
       " chat = iif(chat = '', excluded.chat, chat),"
       " connections = connections + excluded.connections, denied = denied + excluded.denied"},
      // The kernel reports the end of a connection minutes later: that does not prolong the turn.
      {&add_traffic_,
       "INSERT INTO turn (request, chat, start_ms, end_ms, bytes_up) VALUES (?1, ?2, ?3, ?3, ?4)"
       " ON CONFLICT DO UPDATE SET chat = iif(chat = '', excluded.chat, chat),"
       " bytes_up = coalesce(bytes_up, 0) + excluded.bytes_up"},
      {&find_run_, "SELECT ranges FROM turn_run WHERE run = ?1"},
      {&save_run_, "INSERT OR REPLACE INTO turn_run VALUES (?1, ?2, ?3, ?4)"},
      {&prune_turns_,
       "DELETE FROM turn WHERE request IN (SELECT request FROM turn WHERE end_ms < ?1"
       " ORDER BY end_ms LIMIT ?2)"},
      {&prune_prompts_,
       "DELETE FROM turn_prompt WHERE (session, prompt) IN (SELECT session, prompt FROM turn_prompt"
       " WHERE start_ms < ?1 ORDER BY start_ms LIMIT ?2)"},
      {&prune_runs_,
       "DELETE FROM turn_run WHERE run IN (SELECT run FROM turn_run WHERE last_ms < ?1"
       " ORDER BY last_ms LIMIT ?2)"}};
  return database.prepare_all(statements);
}

StoreResult<TurnsSoFar> TurnTable::so_far(std::int64_t now_ms) {
  TurnsSoFar turns;
  auto rows = TRY(database_->prepare(
      "SELECT chat, start_ms, cost_micros FROM turn INDEXED BY turn_by_start WHERE is_agent = 1"
      " AND start_ms >= ?1 AND cost_micros > 0 ORDER BY start_ms DESC LIMIT ?2"));
  rows.bind(1, now_ms - TurnsSoFar::kSpentWithinMs).bind(2, TurnsSoFar::kSpentMax);
  while (TRY(rows.step())) {
    turns.spent.push_back({std::string(rows.text(0)), rows.integer(1), rows.integer(2)});
  }
  const std::int64_t bound = TRY(database_->integer_of(
      "SELECT coalesce(max(is_bound), 0) FROM"
      " (SELECT is_bound FROM turn_prompt ORDER BY start_ms DESC LIMIT 1000)"));
  turns.has_submissions = bound != 0;
  return turns;
}

// --- Which turn ---

StoreResult<Uuid> TurnTable::resolve(const Event& event) {
  if (event.turn == nullptr) return event.request_id;
  const TurnNote& note = *event.turn;
  if (note.is_restored) {
    if (!note.prompt.is_nil()) TRY(bind(note, event.request_id, event.time_ms));
    return event.request_id;
  }
  if (note.session.is_nil()) return event.request_id;
  return find_turn(event, note);
}

StoreResult<Uuid> TurnTable::find_turn(const Event& event, const TurnNote& note) {
  if (note.prompt.is_nil()) {
    if (note.names_request) {
      if (!TRY(is_served_.bind_blob(1, note.session.bytes).lookup())) return event.request_id;
    }
    if (!note.goes_by_time) return own_turn_of(note);
    return TRY(look_up_uuid(last_prompt_.bind_blob(1, note.session.bytes).bind(2, event.time_ms)))
        .value_or(event.request_id);
  }
  auto bound = TRY(
      look_up_uuid(find_prompt_.bind_blob(1, note.session.bytes).bind_blob(2, note.prompt.bytes)));
  if (bound) return *bound;
  return bind_prompt(event, note);
}

StoreResult<Uuid> TurnTable::bind_prompt(const Event& event, const TurnNote& note) {
  StoreResult<std::optional<Uuid>> turn = std::optional<Uuid>();
  if (note.is_synthetic) turn = parent_of(event, note);
  if (turn && !*turn && note.is_submission && !note.is_synthetic) turn = take_message(event);
  if (!turn) return std::unexpected(std::move(turn.error()));
  const bool is_bound = note.is_submission && turn->has_value();
  if (!*turn && note.names_request) {
    if (!TRY(is_served_.bind_blob(1, note.session.bytes).lookup())) *turn = event.request_id;
  }
  const Uuid found = turn->value_or(own_turn_of(note));
  TRY(bind(note, found, event.time_ms, is_bound));
  return found;
}

StoreResult<void> TurnTable::bind(const TurnNote& note, const Uuid& turn, std::int64_t time_ms,
                                  bool is_bound) {
  add_prompt_.bind_blob(1, note.session.bytes).bind_blob(2, note.prompt.bytes);
  return add_prompt_.bind_blob(3, turn.bytes).bind(4, time_ms).bind(5, is_bound).run();
}

StoreResult<std::optional<Uuid>> TurnTable::parent_of(const Event& event, const TurnNote& note) {
  if (note.began_by) {
    auto parent = look_up_uuid(find_event_.bind_blob(1, note.began_by->bytes));
    if (!parent || *parent) return parent;
  }
  return look_up_uuid(last_prompt_.bind_blob(1, note.session.bytes).bind(2, event.time_ms));
}

StoreResult<std::optional<Uuid>> TurnTable::take_message(const Event& event) {
  if (event.chat_id.empty()) return std::optional<Uuid>();
  // The message's time may come from another clock.
  constexpr std::int64_t kClockDifferenceMs = 60'000;
  return messages_.take_oldest(event.chat_id, event.time_ms - kWaitMaxMs,
                               event.time_ms + kClockDifferenceMs);
}

// --- What it adds ---

StoreResult<void> TurnTable::note(const Event& event, std::int64_t arrival) {
  const bool says_more =
      event.turn != nullptr || event.egress != nullptr || event.traffic != nullptr;
  if (says_more && WaitingMessages::is_message(event.event_type, event.chat_id)) {
    TRY(messages_.pass_over(arrival));
  }
  if (event.turn != nullptr && event.turn->connections + event.turn->denied > 0) {
    return note_egress(event, event.turn->connections, event.turn->denied);
  }
  if (event.turn != nullptr && event.turn->bytes_up > 0) {
    return note_traffic(event, event.turn->bytes_up);
  }
  if (event.turn != nullptr) return note_telemetry(event, *event.turn);
  return note_other(event, arrival);
}

StoreResult<void> TurnTable::note_telemetry(const Event& event, const TurnNote& note) {
  if (!note.is_activity) {
    if (note.state == TurnState::none) return {};
    end_.bind_blob(1, event.request_id.bytes).bind(2, static_cast<std::int64_t>(note.state));
    return end_.bind(3, event.time_ms).run();
  }
  const TurnCounts& counts = note.counts;
  const bool has_cost = counts.model_calls > counts.unknown_costs;
  const std::string_view chat = note.is_chat_proved ? event.chat_id : std::string_view();
  add_.bind_blob(1, event.request_id.bytes).bind_text(2, chat).bind_null(3).bind_null(4);
  if (!note.session.is_nil()) add_.bind_blob(3, note.session.bytes);
  const Uuid& run = note.run.is_nil() ? note.session : note.run;
  if (!run.is_nil()) add_.bind_blob(4, run.bytes);
  add_.bind(5, event.time_ms).bind(6, event.data.starts_with("{\"claimed\":true"));
  add_.bind(7, counts.model_calls).bind(8, counts.unknown_costs).bind_null(9);
  if (has_cost) add_.bind(9, counts.cost_micros);
  add_.bind(10, counts.input_tokens).bind(11, counts.output_tokens);
  add_.bind(12, counts.cache_read_tokens).bind(13, counts.cache_creation_tokens);
  add_.bind(14, counts.api_ms).bind(15, counts.tools).bind(16, counts.failed_tools);
  add_.bind(17, counts.rejected_tools).bind(18, counts.api_errors).bind(19, counts.retries);
  if (auto done = add_.bind(20, counts.blocked_ms).bind(21, counts.subagents).run(); !done) {
    return done;
  }
  if (note.state != TurnState::none) {
    // What follows a question, whatever it is, says that it was answered.
    auto waited = wait_.bind_blob(1, event.request_id.bytes).bind(2, event.time_ms).run();
    if (!waited) return waited;
    set_state_.bind_blob(1, event.request_id.bytes).bind(2, static_cast<std::int64_t>(note.state));
    TRY(set_state_.bind(3, event.time_ms).run());
  }
  if (note.is_submission && !note.is_synthetic) {
    TRY(interrupt_others(event, note, event.request_id));
  }
  return note.sequence ? note_run(event, note) : StoreResult<void>();
}

StoreResult<void> TurnTable::interrupt_others(const Event& event, const TurnNote& note,
                                              const Uuid& turn) {
  if (note.session.is_nil()) return {};
  interrupt_.bind_blob(1, note.session.bytes).bind_blob(2, turn.bytes).bind(3, event.time_ms);
  return interrupt_.run();
}

StoreResult<void> TurnTable::note_run(const Event& event, const TurnNote& note) {
  const Uuid& run = note.run.is_nil() ? note.session : note.run;
  if (run.is_nil()) return {};
  auto row = TRY(find_run_.bind_blob(1, run.bytes).step());
  ranges_ = row ? std::string(find_run_.text(0)) : std::string();
  find_run_.reset();
  // With more holes than are kept, no more are looked for.
  for (const std::uint32_t number : note.also_seen) {
    if (!add_to_ranges(ranges_, number)) return {};
  }
  if (!add_to_ranges(ranges_, *note.sequence)) return {};
  save_run_.bind_blob(1, run.bytes).bind(2, !note.run.is_nil()).bind_text(3, ranges_);
  return save_run_.bind(4, event.time_ms).run();
}

StoreResult<void> TurnTable::note_egress(const Event& event, std::int64_t connections,
                                         std::int64_t denied) {
  add_egress_.bind_blob(1, event.request_id.bytes).bind_text(2, event.chat_id);
  return add_egress_.bind(3, event.time_ms).bind(4, connections).bind(5, denied).run();
}

StoreResult<void> TurnTable::note_traffic(const Event& event, std::int64_t bytes_up) {
  add_traffic_.bind_blob(1, event.request_id.bytes).bind_text(2, event.chat_id);
  return add_traffic_.bind(3, event.time_ms).bind(4, bytes_up).run();
}

// What others say about turns: messages, decisions, processes and the fence.
StoreResult<void> TurnTable::note_other(const Event& event, std::int64_t arrival) {
  if (event.egress != nullptr) {
    const bool is_denied = event.egress->outcome == EgressOutcome::denied;
    const std::int64_t count = event.egress->count;
    return note_egress(event, is_denied ? 0 : count, is_denied ? count : 0);
  }
  if (event.traffic != nullptr) {
    return event.traffic->has_turn ? note_traffic(event, event.traffic->bytes_up)
                                   : StoreResult<void>();
  }
  if (WaitingMessages::is_message(event.event_type, event.chat_id)) {
    return messages_.add(event, arrival);
  }
  if (event.decision_skip || event.event_type == "child.start") {
    return messages_.drop(event.request_id);
  }
  if (event.event_type != "child.exit") return {};
  extend_.bind_blob(1, event.request_id.bytes).bind(2, event.time_ms);
  TRY(extend_.run());
  const TurnState state = event.level >= Level::warn ? TurnState::failed : TurnState::ended;
  end_.bind_blob(1, event.request_id.bytes).bind(2, static_cast<std::int64_t>(state));
  return end_.bind(3, event.time_ms).run();
}

// --- Pruning ---

StoreResult<std::size_t> TurnTable::prune(std::int64_t before_ms, std::size_t rows_max) {
  std::size_t rows = 0;
  for (Statement* statement : {&prune_turns_, &prune_prompts_, &prune_runs_}) {
    if (rows >= rows_max) return rows;
    statement->bind(1, before_ms).bind(2, static_cast<std::int64_t>(rows_max - rows));
    TRY(statement->run());
    rows += static_cast<std::size_t>(database_->changes());
  }
  if (rows < rows_max) rows += TRY(messages_.prune(before_ms, rows_max - rows));
  return rows;
}

}  // namespace picortex
