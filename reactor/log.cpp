#include "reactor/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/json/json_text.h"
#include "base/text.h"
#include "base/time/timestamp.h"

namespace picortex {
namespace {

constexpr std::size_t kDroppedLineSizeMax = 512;
// The size of a line's fields, including those that begin it; the message has the rest, 4 KiB or
// more.
constexpr std::size_t kFieldsSizeMax = 12 * 1024;
// The size of one value, so that a long one leaves room for the others.
constexpr std::size_t kValueSizeMax = 8 * 1024;
// The text around a value: its name's quotes, blanks, colours and the line's end.
constexpr std::size_t kFieldOverhead = 32;
// A text is not cut shorter than this, which would be of no use.
constexpr std::size_t kCutTextSizeMin = 64;
// Around the message: `,"truncated":true,"msg":` and `}`, or the head of a pretty line.
constexpr std::size_t kMessageOverhead = 128;
constexpr std::string_view kTruncated = "truncated";

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Returns where the member at the front of `members` ends: at the comma after it, or at the end.
// `members` is part of a valid JSON object.
std::size_t end_of_member(std::string_view members) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < members.size(); ++at) {
    const char c = members[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return members.size();
}

// Returns the size of a member's name, with its quotes and the colon.
std::size_t size_of_name(std::string_view member) noexcept {
  std::size_t at = 1;
  while (at < member.size() && member[at] != '"') at += member[at] == '\\' ? 2 : 1;
  return std::min(at + 2, member.size());
}

std::string_view make_visible(std::string_view text, std::string& storage) {
  if (is_plain(text)) return text;
  storage.clear();
  append_visible(storage, text);
  return storage;
}

std::string_view upper_label(Level level) {
  switch (level) {
    case Level::trace:
      return "TRACE";
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO";
    case Level::warn:
      return "WARN";
    case Level::error:
      return "ERROR";
    case Level::fatal:
      return "FATAL";
  }
  return "";
}

std::string_view colour(Level level) {
  switch (level) {
    case Level::trace:
      return "\x1b[90m";
    case Level::debug:
      return "\x1b[34m";
    case Level::info:
      return "\x1b[32m";
    case Level::warn:
      return "\x1b[33m";
    case Level::error:
      return "\x1b[31m";
    case Level::fatal:
      return "\x1b[41m";
  }
  return "";
}

constexpr std::string_view kMessageColour = "\x1b[36m";
constexpr std::string_view kFieldColour = "\x1b[35m";
constexpr std::string_view kNoColour = "\x1b[39;49m";

}  // namespace

Log::Log(Reactor& reactor, Output& output, const Settings& settings)
    : reactor_(reactor), output_(output), settings_(settings) {
  process_ = ",\"pid\":";
  append_json_number(process_, std::int64_t{getpid()});
  process_ += ",\"hostname\":";
  append_json_string(process_, host_name());
}

LogLine Log::line(Level level, std::string_view event_type, const LogContext& context) {
  if (!writes(level)) return LogLine(nullptr, level);
  line_.clear();
  truncated_ = false;
  if (settings_.format == Format::json) {
    line_ += "{\"level\":";
    if (settings_.numeric_levels) {
      append_json_number(line_, static_cast<std::int64_t>(level));
    } else {
      append_json_string(line_, level_label(level));
    }
    line_ += ",\"time\":\"";
    append_time();
    line_ += '"';
    line_ += process_;
  }
  if (context.request_id != nullptr) {
    char id[Uuid::kTextSize];
    format_uuid(*context.request_id, id);
    append_text("request_id", {id, sizeof id});
  }
  if (!context.chat_id.empty()) append_text("chat_id", context.chat_id);
  append_text("event_type", event_type);
  return LogLine(this, level);
}

void Log::append_time() {
  char text[kIsoTimeSize];
  format_iso_time(reactor_.unix_ms(), text);
  line_.append(text, sizeof text);
}

void Log::begin_field(std::string_view name) {
  if (settings_.format == Format::json) {
    line_ += ",\"";
    line_ += name;
    line_ += "\":";
    return;
  }
  line_ += "    ";
  if (settings_.format == Format::pretty_coloured) line_ += kFieldColour;
  line_ += name;
  if (settings_.format == Format::pretty_coloured) line_ += kNoColour;
  line_ += ": ";
}

void Log::end_field() {
  if (settings_.format != Format::json) line_ += '\n';
}

bool Log::has_room_for(std::string_view name, std::size_t value_size) const noexcept {
  return line_.size() + name.size() + value_size + kFieldOverhead <= kFieldsSizeMax;
}

void Log::append_text(std::string_view name, std::string_view value) {
  // No byte gives more than the six of an escape.
  if (value.size() > kValueSizeMax / 6 || !has_room_for(name, 6 * value.size() + 2)) {
    return append_cut_text(name, value);
  }
  begin_field(name);
  append_json_string(line_, value);
  end_field();
}

void Log::append_cut_text(std::string_view name, std::string_view value) {
  if (!has_room_for(name, kCutTextSizeMin)) {
    truncated_ = true;
    return;
  }
  const std::size_t room = kFieldsSizeMax - line_.size() - name.size() - kFieldOverhead;
  begin_field(name);
  if (!append_json_string_within(line_, value, std::min(room, kValueSizeMax))) truncated_ = true;
  end_field();
}

void Log::append_json(std::string_view name, std::string_view value) {
  if (!has_room_for(name, value.size())) {
    truncated_ = true;
    return;
  }
  begin_field(name);
  line_ += value;
  end_field();
}

// Appends the members of an object that is too large as a whole: those that fit, and the beginning
// of a long text. The input must be valid JSON, and the output is.
void Log::append_members(std::string_view object) {
  std::string_view rest = object.substr(1, object.size() - 2);
  while (!rest.empty()) {
    const std::string_view member = rest.substr(0, end_of_member(rest));
    rest.remove_prefix(std::min(member.size() + 1, rest.size()));
    const std::string_view name = member.substr(0, size_of_name(member));
    const std::string_view value = member.substr(name.size());
    const std::size_t used = line_.size() + name.size() + kFieldOverhead;
    const std::size_t room =
        std::min(kFieldsSizeMax - std::min(used, kFieldsSizeMax), kValueSizeMax);
    const bool is_text = value.starts_with('"');
    if (value.size() > room && (!is_text || room < kCutTextSizeMin)) {
      truncated_ = true;
      continue;
    }
    if (line_.back() != '{') line_ += ',';
    line_ += name;
    if (value.size() <= room) {
      line_ += value;
    } else if (!append_json_literal_within(line_, value, room)) {
      truncated_ = true;
    }
  }
}

LogLine& LogLine::text(std::string_view name, std::string_view value) {
  if (log_ != nullptr) log_->append_text(name, value);
  return *this;
}

LogLine& LogLine::json(std::string_view name, std::string_view value) {
  if (log_ != nullptr) log_->append_json(name, value);
  return *this;
}

LogLine& LogLine::number(std::string_view name, std::int64_t value) {
  if (log_ == nullptr) return *this;
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return json(name, {digits, end});
}

LogLine& LogLine::number(std::string_view name, double value) {
  if (log_ == nullptr) return *this;
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, 3).ptr;
  return json(name, {digits, end});
}

LogLine& LogLine::boolean(std::string_view name, bool value) {
  return json(name, value ? "true" : "false");
}

LogLine& LogLine::members(std::string_view object) {
  if (log_ == nullptr || object.size() <= 2) return *this;
  const bool is_json = log_->settings_.format == Log::Format::json;
  if (log_->has_room_for("data", object.size())) {
    if (!is_json) return json("data", object);
    log_->line_ += ',';
    log_->line_ += object.substr(1, object.size() - 2);
    return *this;
  }
  if (is_json) {
    log_->append_members(object);
    return *this;
  }
  log_->begin_field("data");
  log_->line_ += '{';
  log_->append_members(object);
  log_->line_ += '}';
  log_->end_field();
  return *this;
}

void LogLine::message(std::string_view text) {
  if (log_ == nullptr) return;
  log_->finish(level_, text);
  log_ = nullptr;
}

void Log::finish(Level level, std::string_view message) {
  const std::string_view taken = cut_to(message, kLineSizeMax);
  if (taken.size() < message.size()) truncated_ = true;
  const std::string_view visible = make_visible(taken, visible_);
  const bool important = level >= Level::error;
  const std::size_t room = kLineSizeMax - line_.size() - kMessageOverhead;
  if (settings_.format != Format::json) {
    const std::string_view shown = cut_to(visible, room);
    if (truncated_ || shown.size() < visible.size()) {
      begin_field(kTruncated);
      line_ += "true";
      end_field();
    }
    finish_pretty(level, shown);
    output_.append(pretty_, important);
    return;
  }
  const std::size_t before_message = line_.size();
  line_ += ",\"msg\":";
  if (!append_json_string_within(line_, visible, room)) truncated_ = true;
  line_ += "}\n";
  if (truncated_) line_.insert(before_message, ",\"truncated\":true");
  output_.append(line_, important);
}

// [14:00:00.123] INFO (4711): message
//     name: value
void Log::finish_pretty(Level level, std::string_view message) {
  const bool coloured = settings_.format == Format::pretty_coloured;
  const std::time_t seconds = reactor_.unix_ms() / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char head[64];
  const int size =
      std::snprintf(head, sizeof head, "[%02d:%02d:%02d.%03d] ", local.tm_hour, local.tm_min,
                    local.tm_sec, static_cast<int>(reactor_.unix_ms() % 1000));
  pretty_.assign(head, static_cast<std::size_t>(size));
  if (coloured) pretty_ += colour(level);
  pretty_ += upper_label(level);
  if (coloured) pretty_ += kNoColour;
  pretty_ += " (";
  append_json_number(pretty_, std::int64_t{getpid()});
  pretty_ += "): ";
  if (coloured) pretty_ += kMessageColour;
  pretty_ += message;
  if (coloured) pretty_ += kNoColour;
  pretty_ += '\n';
  pretty_ += line_;
}

// While stdout fails nothing is logged about it: that line would be dropped as well, and so on.
void Log::report_dropped() {
  const std::uint64_t dropped = output_.lines_dropped() - dropped_reported_;
  const std::uint64_t errors = output_.errors() - errors_reported_;
  if (dropped == 0 && errors == 0) return;
  if (output_.is_failing() || !output_.has_room(kDroppedLineSizeMax)) return;
  dropped_reported_ += dropped;
  errors_reported_ += errors;
  // Logged at every level.
  LogLine report = line(std::max(Level::warn, settings_.level), "log.dropped");
  report.number("count", static_cast<std::int64_t>(dropped));
  if (errors == 0) {
    return report.message("log lines were dropped, since the reader of stdout is too slow");
  }
  report.number("errors", static_cast<std::int64_t>(errors))
      .text("error", std::strerror(output_.last_error()))
      .message(dropped == 0 ? "stdout could not be written; no log line was lost"
                            : "stdout could not be written; log lines were dropped");
}

void Log::flush() noexcept {
  report_dropped();
  output_.flush();
}

}  // namespace picortex
