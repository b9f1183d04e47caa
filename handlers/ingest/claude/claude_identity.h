#pragma once

#include <string_view>

#include "base/uuid/uuid.h"

namespace picortex {

// The IDs that telemetry and hooks of the same session have in common, whichever came first.

// A session's or prompt's ID as Claude Code names it; a text that is no UUID has one made of it.
// Nil for an empty text.
Uuid claude_id(std::string_view text);

// The event of a tool's result, of a model call, and of a hook.
Uuid claude_tool_event_id(std::string_view session, std::string_view tool_use_id);
Uuid claude_request_event_id(std::string_view session, std::string_view request_id);

// Whether a prompt was made by Claude Code itself, when a background task ended; and the tool call
// that had begun the task, empty when it does not say.
bool is_task_notification(std::string_view prompt) noexcept;
std::string_view tool_use_of_task(std::string_view prompt) noexcept;

}  // namespace picortex
