#include "handlers/ingest/event_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/time/timestamp.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// Smaller numbers are seconds: as milliseconds they would be before March 1973.
constexpr double kSecondsMax = 1e11;

std::optional<std::string_view> string_of(const element& value) noexcept {
  std::string_view text;
  if (value.get(text)) return std::nullopt;
  return text;
}

std::optional<double> number_of(const element& value) noexcept {
  double number = 0;
  if (!value.is_number() || value.get(number)) return std::nullopt;
  return number;
}

// Parses a text that is nothing but a decimal number, as loggers with hand-written JSON send it.
std::optional<double> number_in(std::string_view text) noexcept {
  return parse_real(text, std::chars_format::fixed);
}

// Returns Unix milliseconds for seconds or milliseconds since 1970; nothing outside 1970 to
// kLatestUnixMs.
std::optional<std::int64_t> time_of_number(double number) noexcept {
  if (!(number >= 0)) return std::nullopt;
  const double ms = number < kSecondsMax ? std::round(number * 1000) : std::floor(number);
  if (ms > static_cast<double>(kLatestUnixMs)) return std::nullopt;
  return static_cast<std::int64_t>(ms);
}

std::optional<std::int64_t> time_of_text(std::string_view text) noexcept {
  if (const auto time_ms = parse_iso_time(text)) return time_ms;
  const auto number = number_in(text);
  return number ? time_of_number(*number) : std::nullopt;
}

// Returns enough of the value for an error message to find it by.
std::string shown(const element& value) {
  constexpr std::size_t kShownMax = 64;
  std::string out;
  if (value.is_object()) {
    out = "(an object)";
  } else if (value.is_array()) {
    out = "(an array)";
  } else if (const auto text = string_of(value)) {
    const std::string_view cut = cut_to(*text, kShownMax);
    out = '"';
    out += cut;
    out += text->size() > cut.size() ? "…\"" : "\"";
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

// True for C0, DEL or C1 (U+0080 to U+009F, in UTF-8 c2 80 to c2 9f).
bool has_control_character(std::string_view text) noexcept {
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0)) return true;
    before = byte;
  }
  return false;
}

// Appends a string, or a number as its text; returns false for anything else.
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

std::optional<Level> level_of(const element& value) noexcept {
  if (const auto text = string_of(value)) return parse_level_or_alias(*text);
  const auto number = number_of(value);
  if (!number || !(*number >= 0 && *number <= 100)) return std::nullopt;
  return level_of_number(static_cast<std::int64_t>(*number));
}

}  // namespace

EventFields::EventFields(const object& object, const EventDefaults& defaults)
    : defaults_(defaults) {
  for (const auto [key, value] : object) {
    if (const auto name = std::ranges::find(kNames, key); name != kNames.end()) {
      auto& member = named_[static_cast<std::size_t>(name - kNames.begin())];
      member.reset();
      if (!value.is_null()) member = value;
    } else if (key == "pid") {
      has_pid_ = true;
    } else if (key == "hostname") {
      has_hostname_ = true;
    } else if (key == "message") {
      message_ = value;
    } else if (key == "severity" || key == "levelname") {
      severity_ = value;
    } else if (key == "client_request_id") {
      has_client_request_id_ = true;
    } else if (key == "decision") {
      decision_is_skip_ = string_of(value) == "skip";
    }
  }
  is_log_line_ = is_log_line();
}

// Each of pino's options can remove one of these, but not all of them.
bool EventFields::is_log_line() const noexcept {
  if (has(kEventType)) return false;
  return has(kLevel) || (has_pid_ && has_hostname_) || (severity_ && level_of(*severity_));
}

std::unexpected<Error> EventFields::rejection(Name name, const element& value,
                                              std::string_view why) {
  std::string what(kNames[name]);
  what += ' ';
  what += shown(value);
  what += ' ';
  what += why;
  return failure(std::move(what));
}

Result<void> EventFields::read(Event& event, std::string& texts, Ends& ends) {
  event.time_ms = defaults_.time_ms;
  TRY(read_time(event));
  TRY(read_level(event));
  read_request_id(event);
  TRY(append_event_type(texts));
  ends.event_type = texts.size();
  TRY(append_chat_id(texts));
  ends.chat_id = texts.size();
  TRY(append_msg(texts));
  ends.msg = texts.size();
  TRY(read_id(event));
  event.decision_skip = decision_is_skip_ && has(kEventType) &&
                        string_of((*this)[kEventType]) == "discriminator.decision";
  return {};
}

Result<void> EventFields::read_time(Event& event) {
  if (!has(kTime)) return take(kNames[kTime]);
  const element& value = (*this)[kTime];
  std::optional<std::int64_t> time_ms;
  if (const auto text = string_of(value)) {
    time_ms = time_of_text(*text);
  } else if (const auto number = number_of(value)) {
    time_ms = time_of_number(*number);
  }
  if (!time_ms) {
    if (is_log_line_) return {};
    return rejection(kTime, value,
                     "is neither an ISO 8601 time with its offset nor a number of seconds or "
                     "milliseconds since 1970, up to 2199");
  }
  if (auto kept = check_time(*time_ms); !kept) return rejection(kTime, value, kept.error().what);
  take(kNames[kTime]);
  event.time_ms = *time_ms;
  return {};
}

Result<void> EventFields::check_time(std::int64_t time_ms) const {
  const AcceptedTimes& accepted = defaults_.accepted;
  if (time_ms < accepted.oldest_by_size_ms) {
    return failure(
        "is older than the events for which the database has room: it keeps those since " +
        iso_time(accepted.oldest_by_size_ms));
  }
  if (defaults_.keep == Keep::any) return {};
  if (time_ms < accepted.oldest_by_age_ms) {
    return failure("is older than what is kept: events since " +
                   iso_time(accepted.oldest_by_age_ms) + "; add ?keep=any to store it anyway");
  }
  if (time_ms > accepted.newest_ms) {
    return failure("is more than a day in the future; add ?keep=any to store it anyway");
  }
  return {};
}

Result<void> EventFields::read_level(Event& event) {
  if (!has(kLevel)) {
    take(kNames[kLevel]);
    if (severity_) event.level = level_of(*severity_).value_or(event.level);
    return {};
  }
  const element& value = (*this)[kLevel];
  if (const auto level = level_of(value)) {
    take(kNames[kLevel]);
    event.level = *level;
    return {};
  }
  if (is_lenient()) {
    // The number of a custom level sorts it, and its label stays in the data.
    if (const auto number = number_of(value))
      event.level = *number > 60 ? Level::fatal : Level::trace;
    return {};
  }
  return rejection(kLevel, value,
                   string_of(value) ? "is not one of trace, debug, info, warn, error, fatal"
                                    : "is neither a label nor a pino number from 1 to 100");
}

void EventFields::read_request_id(Event& event) {
  event.request_id = defaults_.request_id;
  const auto text = has(kRequestId) ? string_of((*this)[kRequestId]) : std::nullopt;
  const auto uuid = text ? parse_uuid(*text) : std::nullopt;
  if (uuid) event.request_id = *uuid;
  // If the client uses both names, each stays under its own.
  if (has(kRequestId) && !uuid && has_client_request_id_) return;
  if (has(kRequestId) && !uuid) client_request_id_ = (*this)[kRequestId];
  take(kNames[kRequestId]);
}

Result<void> EventFields::read_id(Event& event) {
  if (!has(kId)) return take(kNames[kId]);
  const auto text = string_of((*this)[kId]);
  const auto uuid = text ? parse_uuid(*text) : std::nullopt;
  if (uuid) {
    event.id = *uuid;
    take(kNames[kId]);
  } else if (!is_log_line_) {
    return rejection(kId, (*this)[kId], "is not a UUID");
  }
  return {};
}

Result<void> EventFields::append_event_type(std::string& texts) {
  take(kNames[kEventType]);
  if (is_log_line_) {
    texts += "log";
    return {};
  }
  if (!has(kEventType)) return failure("event_type is missing");
  const element& value = (*this)[kEventType];
  const auto text = string_of(value);
  if (!text) return rejection(kEventType, value, "is not a string");
  if (text->empty()) return failure("event_type is empty");
  if (text->size() > kEventTypeSizeMax) {
    return rejection(kEventType, value,
                     "is longer than " + std::to_string(kEventTypeSizeMax) + " bytes");
  }
  if (has_control_character(*text)) return failure("event_type holds a control character");
  texts += *text;
  return {};
}

Result<void> EventFields::append_chat_id(std::string& texts) {
  if (!has(kChatId)) return take(kNames[kChatId]);
  const std::size_t begin = texts.size();
  const bool is_text = append_text(texts, (*this)[kChatId]);
  if (is_text && texts.size() - begin <= kChatIdSizeMax) return take(kNames[kChatId]);
  texts.resize(begin);
  if (is_log_line_) return {};
  return rejection(
      kChatId, (*this)[kChatId],
      is_text ? "is longer than " + std::to_string(kChatIdSizeMax) + " bytes" : "is not a string");
}

Result<void> EventFields::append_msg(std::string& texts) {
  if (has(kMsg)) {
    if (append_text(texts, (*this)[kMsg])) return take(kNames[kMsg]);
    if (!is_log_line_) return rejection(kMsg, (*this)[kMsg], "is not a string");
    return {};
  }
  take(kNames[kMsg]);
  // pino's messageKey, in the name that other loggers use.
  if (is_log_line_ && message_ && string_of(*message_)) {
    texts += *string_of(*message_);
    take("message");
  }
  return {};
}

}  // namespace picortex
