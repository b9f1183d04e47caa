#include "handlers/ingest/claude/claude_identity.h"

#include <string>

#include "handlers/ingest/name_based_uuid.h"

namespace picortex {
namespace {

Uuid event_id_of(std::string_view kind, std::string_view session, std::string_view name) {
  std::string text("claude ");
  text.append(kind).append(" ").append(std::to_string(session.size())).append(" ");
  text.append(session).append(" ").append(name);
  return named_uuid(text);
}

}  // namespace

Uuid claude_id(std::string_view text) {
  if (text.empty()) return {};
  if (const auto uuid = parse_uuid(text)) return *uuid;
  return named_uuid("claude id " + std::string(text));
}

Uuid claude_tool_event_id(std::string_view session, std::string_view tool_use_id) {
  return event_id_of("tool_result", session, tool_use_id);
}

Uuid claude_request_event_id(std::string_view session, std::string_view request_id) {
  return event_id_of("api_request", session, request_id);
}

bool is_task_notification(std::string_view prompt) noexcept {
  return prompt.starts_with("<task-notification>");
}

std::string_view tool_use_of_task(std::string_view prompt) noexcept {
  constexpr std::string_view kBegin = "<tool-use-id>";
  const std::size_t begin = prompt.find(kBegin);
  if (begin == prompt.npos) return {};
  prompt.remove_prefix(begin + kBegin.size());
  const std::size_t end = prompt.find('<');
  return end == prompt.npos ? std::string_view{} : prompt.substr(0, end);
}

}  // namespace picortex
