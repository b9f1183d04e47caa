#include "handlers/ingest/claude/claude_hook.h"

#include <simdjson.h>

#include "base/json/json_object.h"
#include "base/text.h"
#include "handlers/ingest/claude/claude_identity.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kIdSizeMax = 128;
constexpr std::size_t kLineSizeMax = 256;

std::string_view text_of(const object& body, std::string_view name) noexcept {
  std::string_view text;
  if (body[name].get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::string_view first_line(std::string_view text) noexcept {
  return cut_to(text.substr(0, text.find_first_of("\r\n")), kLineSizeMax);
}

// Writes what one kind of hook says.
class HookReader {
 public:
  HookReader(const object& body, ClaudeHook& hook)
      : body_(body), hook_(hook), data_(JsonObject::reopened(hook.data)) {}

  void read(std::string_view name, std::string_view session) {
    data_.text("session_id", cut_to(session, kIdSizeMax));
    copy("prompt_id");
    copy("agent_id");
    hook_.is_kept = true;
    if (name == "UserPromptSubmit") return read_prompt(session);
    if (name == "Stop") return read_stop();
    if (name == "StopFailure") return read_stop_failure();
    if (name == "PostToolUseFailure") return read_tool_failure();
    if (name == "Notification") return read_notification();
    if (name == "SubagentStop") return read_subagent_stop();
    if (name == "SessionStart" || name == "SessionEnd") return read_session(name);
    hook_.is_kept = false;
  }

 private:
  void copy(std::string_view name) {
    const std::string_view text = text_of(body_, name);
    if (!text.empty()) data_.text(name, cut_to(text, kIdSizeMax));
  }

  void read_prompt(std::string_view session) {
    const std::string_view prompt = text_of(body_, "prompt");
    TurnNote& note = hook_.note;
    note.is_submission = true;
    note.is_synthetic = is_task_notification(prompt);
    const std::string_view tool = note.is_synthetic ? tool_use_of_task(prompt) : "";
    if (!tool.empty()) note.began_by = claude_tool_event_id(session, tool);
    note.state = TurnState::running;
    hook_.is_submission = !note.is_synthetic;
    hook_.event_type = "claude.prompt_submitted";
    data_.number("prompt_length", static_cast<std::int64_t>(prompt.size()));
    hook_.msg = note.is_synthetic ? std::string(kTaskEndedMsg)
                                  : "a prompt of " + std::to_string(prompt.size()) + " bytes";
  }

  void read_stop() {
    hook_.event_type = "claude.stop";
    hook_.note.state = TurnState::done;
    simdjson::dom::array tasks;
    std::int64_t count = 0;
    if (body_["background_tasks"].get(tasks) == simdjson::SUCCESS) {
      count = static_cast<std::int64_t>(tasks.size());
    }
    data_.number("background_tasks", count);
    hook_.msg = "the agent has answered";
    if (count > 0) hook_.msg += "; background tasks: " + std::to_string(count);
  }

  void read_stop_failure() {
    hook_.event_type = "claude.stop_failure";
    hook_.level = Level::error;
    hook_.note.state = TurnState::failed;
    copy("error");
    hook_.msg = first_line(text_of(body_, "last_assistant_message"));
    if (hook_.msg.empty()) hook_.msg = cut_to(text_of(body_, "error"), kLineSizeMax);
  }

  void read_tool_failure() {
    hook_.event_type = "claude.tool_failure";
    hook_.is_tool_failure = true;
    hook_.level = Level::warn;
    hook_.note.state = TurnState::running;
    copy("tool_name");
    copy("tool_use_id");
    bool is_interrupt = false;
    if (body_["is_interrupt"].get(is_interrupt) == simdjson::SUCCESS) {
      data_.boolean("is_interrupt", is_interrupt);
    }
    double duration_ms = 0;
    if (body_["duration_ms"].get(duration_ms) == simdjson::SUCCESS && duration_ms >= 0 &&
        duration_ms < 1e12) {
      hook_.duration_ms = static_cast<std::int64_t>(duration_ms);
      data_.number("duration_ms", hook_.duration_ms);
    }
    const std::string_view error = first_line(text_of(body_, "error"));
    if (!error.empty()) data_.text("error", error);
    hook_.msg =
        std::string(cut_to(text_of(body_, "tool_name"), kIdSizeMax)) + ": " + std::string(error);
  }

  void read_notification() {
    const std::string_view kind = text_of(body_, "notification_type");
    const bool is_question = kind == "permission_prompt";
    hook_.event_type = is_question ? "claude.waiting" : "claude.idle";
    hook_.level = is_question ? Level::warn : Level::debug;
    hook_.note.state = is_question ? TurnState::waiting : TurnState::none;
    hook_.note.is_activity = is_question;
    copy("notification_type");
    hook_.msg = first_line(text_of(body_, "message"));
  }

  void read_subagent_stop() {
    hook_.event_type = "claude.subagent_stop";
    hook_.level = Level::debug;
    copy("agent_type");
    hook_.msg = "a subagent has ended";
  }

  void read_session(std::string_view name) {
    const bool is_end = name == "SessionEnd";
    hook_.event_type = is_end ? "claude.session_end" : "claude.session_start";
    hook_.note.state = is_end ? TurnState::ended : TurnState::none;
    hook_.note.is_activity = false;
    copy("reason");
    copy("source");
    hook_.msg = is_end ? "the session has ended" : "the session has started";
  }

  const object& body_;
  ClaudeHook& hook_;
  JsonObject data_;  // closed when this is destroyed
};

}  // namespace

void ClaudeHook::block(std::string_view reason) {
  event_type = "claude.prompt_blocked";
  level = Level::warn;
  note.state = TurnState::blocked;
  msg = reason;
}

Result<void> ClaudeHookDecoder::decode(std::span<char> bytes, bool is_claimed, ClaudeHook& hook) {
  hook = {};
  if (auto parsed = document_.parse(bytes); !parsed) {
    return failure("The body " + parsed.error().what);
  }
  object body;
  if (document_.root().get(body) != simdjson::SUCCESS) return failure("The body is not an object");
  const std::string_view name = text_of(body, "hook_event_name");
  const std::string_view session = text_of(body, "session_id");
  if (name.empty()) return failure("hook_event_name is missing, or not a string");
  if (session.empty()) return failure("session_id is missing, or not a string");
  hook.note.session = claude_id(session);
  hook.note.prompt = claude_id(text_of(body, "prompt_id"));
  if (is_claimed) hook.data = R"({"claimed":true})";
  HookReader(body, hook).read(name, session);
  return {};
}

}  // namespace picortex
