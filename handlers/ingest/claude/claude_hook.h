#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/json/document.h"
#include "base/result.h"
#include "storage/event.h"
#include "storage/turn_note.h"

namespace picortex {

// The message of a prompt that a background task has made.
inline constexpr std::string_view kTaskEndedMsg = "a background task has ended";

// What a hook's body became. Texts are valid until the next decode().
struct ClaudeHook {
  bool is_kept = false;        // false: nothing that is stored
  bool is_submission = false;  // UserPromptSubmit of a person
  bool is_tool_failure = false;
  std::int64_t duration_ms = 0;  // of a tool that failed; 0: not known
  Level level = Level::info;
  std::string_view event_type;
  std::string msg;
  std::string data;
  TurnNote note;

  // Makes this submission one that is not let through, for a reason that a person can read.
  void block(std::string_view reason);
};

// Reads the bodies of Claude Code's hooks (its `http` hooks post what a command hook reads from
// stdin):
//
//   UserPromptSubmit    claude.prompt_submitted  binds the prompt to a message: TurnNote
//                       claude.prompt_blocked    once it has been blocked
//   Stop, StopFailure   claude.stop, claude.stop_failure
//   PostToolUseFailure  claude.tool_failure
//   Notification        claude.waiting for a permission, claude.idle for others
//   SubagentStop        claude.subagent_stop
//   SessionStart, -End  claude.session_start, claude.session_end
//
// Others are accepted and not stored. Contents (prompts, answers, inputs of tools) are not stored:
// of a prompt its length, of an error its first line.
class ClaudeHookDecoder {
 public:
  // `document` must outlive this object.
  explicit ClaudeHookDecoder(JsonDocument& document) : document_(document) {}

  // The error is the message of a 400.
  Result<void> decode(std::span<char> body, bool is_claimed, ClaudeHook& hook);

 private:
  JsonDocument& document_;
};

}  // namespace picortex
