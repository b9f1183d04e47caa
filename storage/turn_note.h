#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/uuid/uuid.h"

namespace picortex {

// What is added up for a turn.
struct TurnCounts {
  std::int64_t model_calls = 0;
  std::int64_t unknown_costs = 0;  // model calls that did not say what they cost
  std::int64_t cost_micros = 0;    // of the others, in millionths of a US dollar
  std::int64_t input_tokens = 0;   // not cached
  std::int64_t output_tokens = 0;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_creation_tokens = 0;
  std::int64_t api_ms = 0;
  std::int64_t tools = 0;
  std::int64_t failed_tools = 0;
  std::int64_t rejected_tools = 0;
  std::int64_t api_errors = 0;
  std::int64_t retries = 0;
  std::int64_t blocked_ms = 0;  // waiting for a person's permission
  std::int64_t subagents = 0;

  bool operator==(const TurnCounts&) const = default;
};

// How far a turn had come at some moment. The numbers are those in the database.
enum class TurnState : std::uint8_t {
  none = 0,         // says nothing about it
  running = 1,      // the agent works
  waiting = 2,      // for a person's permission
  done = 3,         // the agent has answered
  failed = 4,       // the model's API gave up
  interrupted = 5,  // the next prompt came without an answer to this one
  ended = 6,        // its process has ended
  blocked = 7,      // its prompt was not let through: the chat has spent its budget
};

// "running" and so on; empty for none.
const char* turn_state_label(TurnState state) noexcept;

// What an event says about the turn of an agent: which one it belongs to, and what it adds. The
// store finds the turn (storage/turn_table.h), and stores the event under that turn's request ID.
struct TurnNote {
  Uuid session{};  // nil: not known, here as below
  Uuid prompt{};
  // The event's request ID was named by the agent's environment: it is the turn, unless a hook has
  // bound the prompt to another one.
  bool names_request = false;
  // This is the moment at which a prompt was submitted (a hook): it takes the oldest message that
  // waits in the event's chat.
  bool is_submission = false;
  // The prompt was made by a background task that ended: it belongs to the turn that began the task
  // by the event of this ID, or else to the session's last one.
  bool is_synthetic = false;
  std::optional<Uuid> began_by;
  // Without a prompt: it belongs to the session's last turn that began before it, not to the
  // session.
  bool goes_by_time = false;
  TurnState state = TurnState::none;  // as of the event's time
  // False for what says nothing about how long the turn took, such as the end of its session.
  bool is_activity = true;
  // False for a claim whose sender has not proved that it may speak for the event's chat.
  bool is_chat_proved = true;
  TurnCounts counts;
  // Of an event that is restored: its request ID is its turn's, whatever else this says, and the
  // fence's attempts are counted by these, and the bytes of an event that reports ends.
  bool is_restored = false;
  std::int64_t connections = 0;
  std::int64_t denied = 0;
  std::int64_t bytes_up = 0;
  // The process that numbers its records from 0 on; nil: the numbers are the session's.
  Uuid run{};
  std::optional<std::uint32_t> sequence;
  // Numbers of records of the same process that have come, and are not kept as events.
  std::vector<std::uint32_t> also_seen;
};

}  // namespace picortex
