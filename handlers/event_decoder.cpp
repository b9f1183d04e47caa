#include "handlers/event_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/json_text.h"
#include "base/timestamp.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

// The members that an event has of its own, in the order of kNames.
enum Name : std::size_t { kEventType, kTime, kLevel, kChatId, kRequestId, kMsg, kId, kNameCount };

constexpr std::array<std::string_view, kNameCount> kNames{"event_type", "time", "level", "chat_id",
                                                          "request_id", "msg",  "id"};

// The members of one event that mean something here; null counts as absent.
struct Members {
  std::array<std::optional<element>, kNameCount> named;
  bool has_pid = false;
  bool has_hostname = false;
  bool decision_is_skip = false;

  bool has(Name name) const noexcept { return named[name].has_value(); }
  const element& operator[](Name name) const noexcept { return *named[name]; }

  // pino always writes level and time; msg is absent where none was given.
  bool is_pino_line() const noexcept {
    return !has(kEventType) && has(kTime) && has(kLevel) &&
           (has(kMsg) || (has_pid && has_hostname));
  }
};

Members find_members(const object& object) {
  Members members;
  for (const auto [key, value] : object) {
    if (const auto name = std::ranges::find(kNames, key); name != kNames.end()) {
      auto& member = members.named[static_cast<std::size_t>(name - kNames.begin())];
      member.reset();
      if (!value.is_null()) member = value;
    } else if (key == "pid") {
      members.has_pid = true;
    } else if (key == "hostname") {
      members.has_hostname = true;
    } else if (key == "decision") {
      std::string_view decision;
      members.decision_is_skip = !value.get(decision) && decision == "skip";
    }
  }
  return members;
}

std::optional<std::string_view> string_of(const element& value) noexcept {
  std::string_view text;
  if (value.get(text)) return std::nullopt;
  return text;
}

// The number, its fraction cut; none when it is no number or no int64 holds it.
std::optional<std::int64_t> integer_of(const element& value) noexcept {
  std::int64_t integer = 0;
  if (!value.get(integer)) return integer;
  double number = 0;
  if (!value.is_double() || value.get(number)) return std::nullopt;
  if (!(number > -9.2e18 && number < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// The value for an error message: enough of it to find it by.
std::string shown(const element& value) {
  constexpr std::size_t kShownMax = 64;
  std::string out;
  if (value.is_object()) {
    out = "(an object)";
  } else if (value.is_array()) {
    out = "(an array)";
  } else if (const auto text = string_of(value)) {
    out = '"';
    out += text->substr(0, kShownMax);
    out += text->size() > kShownMax ? "…\"" : "\"";
  } else if (value.is_bool()) {
    out = value.get_bool().value_unsafe() ? "true" : "false";
  } else if (value.is_uint64()) {
    append_json_number(out, value.get_uint64().value_unsafe());
  } else if (value.is_int64()) {
    append_json_number(out, value.get_int64().value_unsafe());
  } else {
    append_json_number(out, value.get_double().value_unsafe());
  }
  return out;
}

std::unexpected<Error> refusal(Name name, const element& value, std::string_view why) {
  std::string what(kNames[name]);
  what += ' ';
  what += shown(value);
  what += ' ';
  what += why;
  return failure(std::move(what));
}

// C0, DEL or C1 (U+0080 to U+009F, in UTF-8 c2 80 to c2 9f).
bool has_control_character(std::string_view text) noexcept {
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0)) return true;
    before = byte;
  }
  return false;
}

Result<void> read_time(const Members& members, Event& event) {
  if (!members.has(kTime)) return {};
  const element& value = members[kTime];
  std::optional<std::int64_t> time_ms;
  if (const auto text = string_of(value)) {
    time_ms = parse_iso_time(*text);
  } else if (time_ms = integer_of(value); time_ms && (*time_ms < 0 || *time_ms > kLatestUnixMs)) {
    time_ms.reset();
  }
  if (!time_ms) {
    return refusal(kTime, value,
                   "is neither an ISO 8601 time with its offset nor epoch milliseconds, "
                   "from 1970 to 2199");
  }
  event.time_ms = *time_ms;
  return {};
}

Result<void> read_level(const Members& members, Event& event) {
  if (!members.has(kLevel)) return {};
  const element& value = members[kLevel];
  std::optional<Level> level;
  if (const auto text = string_of(value)) {
    level = parse_level(*text);
    if (!level) return refusal(kLevel, value, "is none of trace, debug, info, warn, error, fatal");
  } else {
    if (const auto number = integer_of(value)) level = level_of_number(*number);
    if (!level) return refusal(kLevel, value, "is neither a label nor a pino number from 1 to 100");
  }
  event.level = *level;
  return {};
}

Result<std::optional<Uuid>> read_uuid(const Members& members, Name name) {
  if (!members.has(name)) return std::nullopt;
  const auto text = string_of(members[name]);
  const auto uuid = text ? parse_uuid(*text) : std::nullopt;
  if (!uuid) return refusal(name, members[name], "is not a UUID");
  return uuid;
}

// Appends a string, or a number as its text; false for anything else.
bool append_text(std::string& out, const element& value) {
  if (const auto text = string_of(value)) {
    out += *text;
  } else if (value.is_number()) {
    out += shown(value);
  } else {
    return false;
  }
  return true;
}

Result<void> append_event_type(std::string& out, const Members& members) {
  if (members.is_pino_line()) {
    out += "log";
    return {};
  }
  if (!members.has(kEventType)) return failure("event_type is missing");
  const element& value = members[kEventType];
  const auto text = string_of(value);
  if (!text) return refusal(kEventType, value, "is not a string");
  if (text->empty()) return failure("event_type is empty");
  if (text->size() > kEventTypeSizeMax) {
    return refusal(kEventType, value,
                   "is longer than " + std::to_string(kEventTypeSizeMax) + " bytes");
  }
  if (has_control_character(*text)) return failure("event_type holds a control character");
  out += *text;
  return {};
}

Result<void> append_chat_id(std::string& out, const Members& members) {
  if (!members.has(kChatId)) return {};
  const std::size_t begin = out.size();
  if (!append_text(out, members[kChatId])) {
    return refusal(kChatId, members[kChatId], "is not a string");
  }
  if (out.size() - begin > kChatIdSizeMax) {
    return refusal(kChatId, members[kChatId],
                   "is longer than " + std::to_string(kChatIdSizeMax) + " bytes");
  }
  return {};
}

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::unexpected<Error> at_event(std::size_t index, std::string_view between, const Error& error) {
  return failure("event " + std::to_string(index) + std::string(between) + error.what);
}

}  // namespace

void EventBatch::clear() noexcept {
  events_.clear();
  ends_.clear();
  texts_.clear();
}

void EventBatch::point_events_to_texts() noexcept {
  const std::string_view texts(texts_.data(), texts_.size());
  std::size_t begin = 0;
  const auto take = [&](std::size_t end) {
    const auto text = texts.substr(begin, end - begin);
    begin = end;
    return text;
  };
  for (std::size_t i = 0; i < events_.size(); ++i) {
    events_[i].event_type = take(ends_[i].event_type);
    events_[i].chat_id = take(ends_[i].chat_id);
    events_[i].msg = take(ends_[i].msg);
    events_[i].data = take(ends_[i].data);
  }
}

Result<void> EventDecoder::decode(EventMedia media, std::span<char> body,
                                  const EventDefaults& defaults, EventBatch& batch) {
  constexpr std::size_t kNeverInPlace = 256;
  batch.clear();
  batch.texts_.reserve(kNeverInPlace);
  const auto done = media == EventMedia::json ? decode_json(body, defaults, batch)
                                              : decode_lines(body, defaults, batch);
  if (!done) {
    batch.clear();
    return done;
  }
  batch.point_events_to_texts();
  return {};
}

Result<void> EventDecoder::decode_json(std::span<char> body, const EventDefaults& defaults,
                                       EventBatch& batch) {
  if (const auto parsed = document_.parse(body); !parsed) {
    return failure("Body " + parsed.error().what);
  }
  const element root = document_.root();
  simdjson::dom::array array;
  if (root.get(array)) return add(root, defaults, batch);
  for (const element value : array) {
    if (auto added = add(value, defaults, batch); !added) return added;
  }
  if (batch.events_.empty()) return failure("Body holds no event: its array is empty");
  return {};
}

Result<void> EventDecoder::decode_lines(std::span<char> body, const EventDefaults& defaults,
                                        EventBatch& batch) {
  while (!body.empty()) {
    const std::size_t end = std::string_view(body.data(), body.size()).find('\n');
    const auto line = body.first(std::min(end, body.size()));
    body = body.subspan(std::min(line.size() + 1, body.size()));
    if (is_blank({line.data(), line.size()})) continue;
    // What follows a line is the next lines or the body's own padding.
    if (const auto parsed = document_.parse(line); !parsed) {
      return at_event(batch.events_.size(), " ", parsed.error());
    }
    if (auto added = add(document_.root(), defaults, batch); !added) return added;
  }
  if (batch.events_.empty()) return failure("Body holds no event: all its lines are blank");
  return {};
}

Result<void> EventDecoder::add(const element& value, const EventDefaults& defaults,
                               EventBatch& batch) {
  const std::size_t index = batch.events_.size();
  if (index == kEventsPerRequestMax) {
    return failure("Body holds more than " + std::to_string(kEventsPerRequestMax) + " events");
  }
  const auto refuse = [&](const Error& error) { return at_event(index, ": ", error); };
  object object;
  if (value.get(object)) return refuse(Error{"it is not a JSON object"});

  const Members members = find_members(object);
  Event event;
  event.time_ms = defaults.time_ms;
  if (const auto read = read_time(members, event); !read) return refuse(read.error());
  if (const auto read = read_level(members, event); !read) return refuse(read.error());
  const auto request_id = read_uuid(members, kRequestId);
  if (!request_id) return refuse(request_id.error());
  event.request_id = request_id->value_or(defaults.request_id);

  // The names that do not go to data.
  auto taken = kNames;
  std::size_t taken_count = kId;
  static_assert(kId == kNameCount - 1 && kMsg == kId - 1);
  std::string& texts = batch.texts_;
  EventBatch::TextEnds ends{};
  if (const auto read = append_event_type(texts, members); !read) return refuse(read.error());
  ends.event_type = texts.size();
  if (const auto read = append_chat_id(texts, members); !read) return refuse(read.error());
  ends.chat_id = texts.size();
  if (members.has(kMsg) && !append_text(texts, members[kMsg])) {
    if (!members.is_pino_line())
      return refuse(refusal(kMsg, members[kMsg], "is not a string").error());
    --taken_count;
  }
  ends.msg = texts.size();
  if (const auto id = read_uuid(members, kId)) {
    event.id = *id;
    taken[taken_count++] = kNames[kId];
  } else if (!members.is_pino_line()) {
    return refuse(id.error());
  }
  const auto written = writer_.append_without(texts, object, std::span(taken).first(taken_count));
  if (!written) return refuse(Error{"it " + written.error().what});
  ends.data = texts.size();

  event.decision_skip = members.decision_is_skip && members.has(kEventType) &&
                        string_of(members[kEventType]) == "discriminator.decision";
  batch.events_.push_back(event);
  batch.ends_.push_back(ends);
  return {};
}

}  // namespace picortex
