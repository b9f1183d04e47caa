#include "cli/emit/emit_line.h"

#include <simdjson.h>

#include "base/json/json_object.h"
#include "base/json/json_text.h"
#include "base/json/writer.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/time/timestamp.h"

namespace picortex {
namespace {

constexpr std::size_t kFieldSizeMax = 64 * 1024;

// The text, followed by the bytes that JsonDocument needs.
std::string padded(std::string_view text) {
  std::string copy;
  copy.reserve(text.size() + kJsonPadding);
  copy.append(text).append(kJsonPadding, ' ');
  return copy;
}

Result<std::string> normalized_json(std::string_view text) {
  JsonDocument document(kFieldSizeMax);
  std::string copy = padded(text);
  if (auto parsed = document.parse({copy.data(), text.size()}); !parsed) {
    return std::unexpected(parsed.error());
  }
  std::string out;
  JsonWriter writer;
  if (auto written = writer.append(out, document.root()); !written) {
    return std::unexpected(written.error());
  }
  return out;
}

bool lacks(const simdjson::dom::object& object, std::string_view name) {
  bool is_absent = true;  // of a name that is given twice the last one counts, as in the daemon
  for (const auto& [key, value] : object) {
    if (key == name) is_absent = value.is_null();
  }
  return is_absent;
}

}  // namespace

Result<EmittedField> parse_emitted_field(std::string_view text) {
  const std::size_t equals = text.find('=');
  const bool is_json = equals != text.npos && equals > 0 && text[equals - 1] == ':';
  const std::size_t name_size = is_json ? equals - 1 : equals;
  if (equals == text.npos || name_size == 0) {
    return failure("field " + display(text) +
                   " is not allowed: give NAME=TEXT, or NAME:=JSON for numbers, true, lists");
  }
  EmittedField field{std::string(text.substr(0, name_size)), {}};
  const std::string_view value = text.substr(equals + 1);
  if (value.size() > kFieldSizeMax) {
    return failure("field " + display(field.name) + " is too long: give at most 65536 bytes");
  }
  if (!is_json) {
    append_json_string(field.json, value);
    return field;
  }
  auto json = normalized_json(value);
  if (!json) return failure("field " + display(field.name) + ": its value " + json.error().what);
  field.json = *std::move(json);
  return field;
}

std::string render_emitted(const EmittedEvent& event, const EmittedIds& ids, const Uuid& id,
                           std::int64_t time_ms) {
  std::string line;
  {
    JsonObject members(line);
    members.text("level", level_label(event.level)).time("time", time_ms);
    members.text("event_type", event.event_type);
    if (!ids.request_id.empty()) members.text("request_id", ids.request_id);
    if (!ids.chat_id.empty()) members.text("chat_id", ids.chat_id);
    if (!event.msg.empty()) members.text("msg", event.msg);
    members.id("id", id);
    for (const auto& [name, json] : event.fields) members.value(name) += json;
  }
  return line + '\n';
}

std::string complete_line(JsonDocument& document, std::string_view line, const EmittedIds& ids,
                          const Uuid& id, std::int64_t time_ms) {
  std::string copy = padded(line);
  simdjson::dom::object object;
  if (!document.parse({copy.data(), line.size()}) ||
      document.root().get_object().get(object) != simdjson::SUCCESS) {
    return std::string(line) + '\n';
  }
  std::string out(trimmed(line.substr(0, line.rfind('}'))));
  out += '}';
  {
    // What is added stands last: it counts where the line has a null.
    JsonObject members = JsonObject::reopened(out);
    if (lacks(object, "time")) members.time("time", time_ms);
    if (!ids.request_id.empty() && lacks(object, "request_id")) {
      members.text("request_id", ids.request_id);
    }
    if (!ids.chat_id.empty() && lacks(object, "chat_id")) members.text("chat_id", ids.chat_id);
    if (lacks(object, "id")) members.id("id", id);
  }
  return out + '\n';
}

}  // namespace picortex
