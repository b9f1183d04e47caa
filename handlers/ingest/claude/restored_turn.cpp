#include "handlers/ingest/claude/restored_turn.h"

#include <simdjson.h>

#include <array>
#include <utility>

#include "base/json/json_object.h"
#include "base/text.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// Hooks by the types that their events have.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kHooks{
    {{"claude.prompt_submitted", "UserPromptSubmit"},
     {"claude.prompt_blocked", "UserPromptSubmit"},
     {"claude.stop", "Stop"},
     {"claude.stop_failure", "StopFailure"},
     {"claude.tool_failure", "PostToolUseFailure"},
     {"claude.waiting", "Notification"},
     {"claude.idle", "Notification"},
     {"claude.subagent_stop", "SubagentStop"},
     {"claude.session_start", "SessionStart"},
     {"claude.session_end", "SessionEnd"}}};

// The attribute that a member was made of, where its name has changed.
std::string_view attribute_of(std::string_view member) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNames{
      {{"session_id", "session.id"},
       {"prompt_id", "prompt.id"},
       {"picortex_run_id", "picortex.run_id"}}};
  for (const auto& [name, attribute] : kNames) {
    if (name == member) return attribute;
  }
  return member;
}

std::optional<OtlpValue> value_of(const element& member) {
  OtlpValue value;
  if (member.get(value.text) == simdjson::SUCCESS) {
    value.kind = OtlpValue::Kind::text;
  } else if (member.get(value.truth) == simdjson::SUCCESS) {
    value.kind = OtlpValue::Kind::truth;
  } else if (member.get(value.integer) == simdjson::SUCCESS) {
    value.kind = OtlpValue::Kind::integer;
  } else if (member.get(value.real) == simdjson::SUCCESS) {
    value.kind = OtlpValue::Kind::real;
  } else {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<TurnNote> RestoredTurn::note_of(const Event& event) {
  if (event.event_type == "egress.rejected" || event.event_type == "egress.allowed") {
    return note_of_egress(event);
  }
  if (event.event_type == "egress.closed") return note_of_traffic(event);
  if (!event.event_type.starts_with("claude.")) return std::nullopt;
  if (event.event_type == "claude.cost_metric") return std::nullopt;
  for (const auto& [type, hook] : kHooks) {
    if (type == event.event_type) return note_of_hook(event, hook);
  }
  return note_of_record(event);
}

bool RestoredTurn::parse(std::string_view data) {
  padded_.assign(data);
  padded_.append(kJsonPadding, '\0');
  return document_.parse({padded_.data(), data.size()}).has_value();
}

std::optional<TurnNote> RestoredTurn::note_of_record(const Event& event) {
  object members;
  if (!parse(event.data) || document_.root().get(members) != simdjson::SUCCESS) return std::nullopt;
  attributes_.clear();
  for (const auto [name, member] : members) {
    if (const auto value = value_of(member)) attributes_.add(attribute_of(name), *value);
  }
  TurnNote note = normaliser_.note_of_stored(event.event_type.substr(7), attributes_);
  note.is_restored = true;
  return note;
}

std::optional<TurnNote> RestoredTurn::note_of_hook(const Event& event, std::string_view name) {
  // A hook's event has the members that its body had, but for the contents.
  std::string body;
  {
    JsonObject made(body);
    made.text("hook_event_name", name);
    if (event.msg == kTaskEndedMsg) made.text("prompt", "<task-notification>");
    if (!event.data.empty()) made.members(event.data);
  }
  const std::size_t size = body.size();
  body.append(kJsonPadding, '\0');
  if (!hooks_.decode({body.data(), size}, false, hook_).has_value()) return std::nullopt;
  TurnNote note = std::move(hook_.note);
  if (event.event_type == "claude.prompt_blocked") note.state = TurnState::blocked;
  note.is_restored = true;
  return note;
}

std::optional<TurnNote> RestoredTurn::note_of_egress(const Event& event) {
  std::int64_t attempts = 1;
  if (!event.data.empty() && parse(event.data)) {
    std::int64_t repeated = 0;
    if (document_.root()["repeated"].get(repeated) == simdjson::SUCCESS && repeated > 0) {
      attempts = repeated;
    }
  }
  TurnNote note;
  note.is_restored = true;
  (event.event_type == "egress.rejected" ? note.denied : note.connections) = attempts;
  return note;
}

std::optional<TurnNote> RestoredTurn::note_of_traffic(const Event& event) {
  std::string_view id_source;
  TurnNote note;
  note.is_restored = true;
  if (event.data.empty() || !parse(event.data)) return std::nullopt;
  if (document_.root()["id_source"].get(id_source) != simdjson::SUCCESS || id_source == "none") {
    return std::nullopt;
  }
  const bool has_bytes = document_.root()["bytes_up"].get(note.bytes_up) == simdjson::SUCCESS;
  if (!has_bytes || note.bytes_up <= 0) return std::nullopt;
  return note;
}

}  // namespace picortex
