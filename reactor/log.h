#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/level.h"
#include "base/uuid.h"
#include "reactor/output.h"
#include "reactor/reactor.h"

namespace picortex {

class Log;

// Whom a line is about: the request that caused it, and its chat. Both may be missing.
struct LogContext {
  const Uuid* request_id = nullptr;
  std::string_view chat_id = {};
};

// One line being put together; it ends with message(). Nothing that is put in can forge a line, a
// field or a terminal's colour: field names are picortex's own, values are escaped.
class LogLine {
 public:
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  LogLine& text(std::string_view name, std::string_view value);
  LogLine& number(std::string_view name, std::int64_t value);
  LogLine& number(std::string_view name, double value);
  LogLine& boolean(std::string_view name, bool value);
  // `value` is valid JSON on one line, made by picortex.
  LogLine& json(std::string_view name, std::string_view value);
  // `object` is a JSON object, made by picortex: its members become the line's fields.
  LogLine& members(std::string_view object);

  // Ends the line. Controls in `text` are shown, as `\n`, rather than obeyed: pino-pretty prints
  // the message as it is.
  void message(std::string_view text);

 private:
  friend class Log;
  LogLine(Log* log, Level level) : log_(log), level_(level) {}

  Log* log_;  // null when the level is off: everything is then a no-op
  Level level_;
};

// The structured log: pino's shape and order of fields, a JSON object a line
//   level time pid hostname request_id chat_id event_type …fields msg
// or, for people, the same laid out as pino-pretty does. Lines go out at the end of the turn.
class Log {
 public:
  enum class Format { json, pretty, pretty_coloured };
  struct Settings {
    Level level = Level::info;
    Format format = Format::json;
    bool numeric_levels = false;  // 30 instead of "info", for pino-pretty -L
  };

  Log(Reactor& reactor, Output& output, const Settings& settings);

  void set(const Settings& settings) noexcept { settings_ = settings; }

  bool writes(Level level) const noexcept { return level >= settings_.level; }

  // Only one line is put together at a time.
  LogLine line(Level level, std::string_view event_type, const LogContext& context = {});

  // Tells of lines that were dropped, once there is room again, and hands all lines to the kernel.
  void flush() noexcept;

 private:
  friend class LogLine;

  void begin_field(std::string_view name);
  void end_field();
  void append_text(std::string_view name, std::string_view value);
  void append_json(std::string_view name, std::string_view value);
  void finish(Level level, std::string_view message);
  void finish_pretty(Level level, std::string_view message);
  void append_time();
  void report_dropped();

  Reactor& reactor_;
  Output& output_;
  Settings settings_;
  std::string process_;  // `,"pid":…,"hostname":"…"`
  std::string line_;     // reused for every line; in pretty mode its fields only
  std::string visible_;
  std::string pretty_;
  std::uint64_t dropped_reported_ = 0;
};

}  // namespace picortex
