#include "handlers/query/export_line.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json/json_object.h"
#include "base/time/timestamp.h"
#include "storage/event_id.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kNames[] = {"id",      "time", "level", "event_type", "request_id",
                                       "chat_id", "msg",  "data",  "sequence"};

std::unexpected<Error> wrong(std::string_view name, std::string_view why) {
  return failure(std::string(name) + std::string(why));
}

// A null counts as missing.
std::optional<element> member(const object& object, std::string_view name) {
  element value;
  if (object[name].get(value) || value.is_null()) return std::nullopt;
  return value;
}

Result<std::string_view> text_of(const object& object, std::string_view name) {
  const auto value = member(object, name);
  if (!value) return wrong(name, " is missing");
  std::string_view text;
  if (value->get(text)) return wrong(name, " is not a string");
  return text;
}

// Returns the text if `parse` accepts it.
template <class Parse>
auto parsed(const object& object, std::string_view name, Parse parse)
    -> Result<typename decltype(parse(std::string_view{}))::value_type> {
  const auto text = TRY(text_of(object, name));
  auto value = parse(text);
  if (!value) return wrong(name, " is not what an export writes");
  return *value;
}

Result<std::optional<std::uint32_t>> sequence_of(const object& object) {
  const auto value = member(object, "sequence");
  if (!value) return std::nullopt;
  std::uint64_t number = 0;
  if (value->get(number) || number >= std::uint64_t{1} << kSequenceBits) {
    return wrong("sequence", " is not what an export writes");
  }
  return static_cast<std::uint32_t>(number);
}

// The members of a line of `logs --json` that are not data.
constexpr std::string_view kFlatNames[] = {"level",   "time",       "id", "request_id",
                                           "chat_id", "event_type", "msg"};

// `logs --json` writes the data's members next to the event's own, beginning with the level.
bool is_flat(const object& object) {
  element ignored;
  if (object.begin() != object.end() && (*object.begin()).key == "level") return true;
  return object["data"].get(ignored) && !object["id"].get(ignored);
}

Result<void> check_names(const object& object) {
  for (const auto [name, value] : object) {
    if (std::ranges::find(kNames, name) != std::end(kNames)) continue;
    std::string shown;
    append_json_escaped(shown, name.substr(0, 64));
    return failure('"' + shown + "\" is no member of an exported event");
  }
  return {};
}

}  // namespace

void append_export_line(std::string& out, EventJson& json, const EventRow& row) {
  json.append(out, row);
  const auto place = event_place(row.id);
  if (!place || place->key != row.key) {
    JsonObject::reopened(out).number("sequence", row.key - first_key_of(row.time_ms));
  }
  out += '\n';
}

Result<Event> ExportLineReader::read(std::span<char> line) {
  if (const auto done = document_.parse(line); !done) return failure("it " + done.error().what);
  object object;
  if (document_.root().get(object)) return failure("it is not a JSON object");
  const bool flat = is_flat(object);
  TRY(flat ? Result<void>() : check_names(object));
  const auto id = TRY(parsed(object, "id", parse_uuid));
  const auto time_ms = TRY(parsed(object, "time", parse_iso_time));
  const auto level = TRY(parsed(object, "level", parse_level));
  const auto request_id = TRY(parsed(object, "request_id", parse_uuid));
  const auto sequence = TRY(flat ? Result<std::optional<std::uint32_t>>() : sequence_of(object));
  Event event{.time_ms = time_ms,
              .level = level,
              .event_type = {},
              .chat_id = {},
              .msg = {},
              .data = {},
              .request_id = request_id,
              .id = id,
              .sequence = sequence};
  TRY(read_texts(object, event));
  TRY(flat ? read_flat_data(object, event) : read_data(object, event));
  return event;
}

Result<void> ExportLineReader::read_texts(const object& object, Event& event) {
  const auto type = TRY(text_of(object, "event_type"));
  if (type.empty() || type.size() > kEventTypeSizeMax) {
    return failure("event_type is not of 1 to 128 bytes");
  }
  event.event_type = type;
  event.msg = TRY(text_of(object, "msg"));
  if (!member(object, "chat_id")) return {};
  const auto chat = TRY(text_of(object, "chat_id"));
  if (chat.size() > kChatIdSizeMax) return failure("chat_id is longer than 256 bytes");
  event.chat_id = chat;
  return {};
}

Result<void> ExportLineReader::read_data(const object& line, Event& event) {
  const auto value = member(line, "data");
  if (!value) return {};
  object data;
  if (value->get(data)) return failure("data is not an object");
  data_.clear();
  if (auto done = writer_.append(data_, *value); !done) {
    return failure("data " + done.error().what);
  }
  note_data(data, event);
  return {};
}

Result<void> ExportLineReader::read_flat_data(const object& line, Event& event) {
  data_.clear();
  if (auto done = writer_.append_without(data_, line, kFlatNames); !done) {
    return failure("it " + done.error().what);
  }
  note_data(line, event);
  return {};
}

void ExportLineReader::note_data(const object& data, Event& event) {
  event.data = data_;
  std::string_view decision;
  event.decision_skip = event.event_type == "discriminator.decision" &&
                        !data["decision"].get(decision) && decision == "skip";
}

}  // namespace picortex
