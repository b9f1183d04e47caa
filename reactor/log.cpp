#include "reactor/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "base/json_text.h"
#include "base/timestamp.h"

namespace picortex {
namespace {

constexpr std::size_t kDroppedLineSizeMax = 512;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
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

void Log::append_text(std::string_view name, std::string_view value) {
  begin_field(name);
  append_json_string(line_, value);
  end_field();
}

void Log::append_json(std::string_view name, std::string_view value) {
  begin_field(name);
  line_ += value;
  end_field();
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
  if (log_->settings_.format == Log::Format::json) {
    log_->line_ += ',';
    log_->line_ += object.substr(1, object.size() - 2);
    return *this;
  }
  return json("data", object);
}

void LogLine::message(std::string_view text) {
  if (log_ == nullptr) return;
  log_->finish(level_, text);
  log_ = nullptr;
}

void Log::finish(Level level, std::string_view message) {
  const std::string_view visible = make_visible(message, visible_);
  const bool important = level >= Level::error;
  if (settings_.format != Format::json) {
    finish_pretty(level, visible);
    output_.append(pretty_, important);
    return;
  }
  line_ += ",\"msg\":";
  append_json_string(line_, visible);
  line_ += "}\n";
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

void Log::report_dropped() {
  const std::uint64_t dropped = output_.lines_dropped() - dropped_reported_;
  if (dropped == 0 || !output_.has_room(kDroppedLineSizeMax)) return;
  dropped_reported_ += dropped;
  // It is told at every level.
  line(std::max(Level::warn, settings_.level), "log.dropped")
      .number("count", static_cast<std::int64_t>(dropped))
      .message("log lines were dropped, since whoever reads stdout is too slow");
}

void Log::flush() noexcept {
  report_dropped();
  output_.flush();
}

}  // namespace picortex
