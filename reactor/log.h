#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/level.h"
#include "base/uuid/uuid.h"
#include "reactor/output.h"
#include "reactor/reactor.h"

namespace picortex {

class Log;

// The subject of a line: the request that caused it, and its chat. Both may be empty.
struct LogContext {
  const Uuid* request_id = nullptr;
  std::string_view chat_id = {};
};

// One line being built; it ends with message(). Input cannot forge a log line or field, or inject
// terminal escape sequences: field names are picortex's own, values are escaped.
class LogLine {
 public:
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  LogLine& text(std::string_view name, std::string_view value);
  LogLine& number(std::string_view name, std::int64_t value);
  LogLine& number(std::string_view name, double value);
  LogLine& boolean(std::string_view name, bool value);
  // `value` must be valid JSON on one line, written by picortex.
  LogLine& json(std::string_view name, std::string_view value);
  // `object` must be a JSON object, written by picortex: its members become the line's fields.
  LogLine& members(std::string_view object);

  // Ends the line. Controls in `text` are escaped, as `\n`: pino-pretty prints the message
  // unchanged.
  void message(std::string_view text);

 private:
  friend class Log;
  LogLine(Log* log, Level level) : log_(log), level_(level) {}

  Log* log_;  // null if the level is off: everything is then a no-op
  Level level_;
};

// The structured log: pino's form and order of fields, a JSON object a line
//   level time pid hostname request_id chat_id event_type …fields msg
// or, for people, the same in the layout of pino-pretty. Lines are written at the end of the
// iteration.
//
// journald and Docker cut a line that is too long, and the text after the cut becomes an entry of
// its own, with any content. So no line exceeds kLineSizeMax, in pretty mode with all of its
// fields: a text is cut, a member that does not fit is omitted, and `"truncated":true`, the last
// field before msg, says so. The event's row has everything.
class Log {
 public:
  static constexpr std::size_t kLineSizeMax = 16 * 1024;  // including its newline

  enum class Format { json, pretty, pretty_coloured };
  struct Settings {
    Level level = Level::info;
    Format format = Format::json;
    bool numeric_levels = false;  // 30 instead of "info", for pino-pretty -L
  };

  Log(Reactor& reactor, Output& output, const Settings& settings);

  void set(const Settings& settings) noexcept { settings_ = settings; }

  bool writes(Level level) const noexcept { return level >= settings_.level; }

  // Only one line can be built at a time.
  LogLine line(Level level, std::string_view event_type, const LogContext& context = {});

  // Reports dropped lines once there is room again, and submits all lines to the kernel.
  void flush() noexcept;

 private:
  friend class LogLine;

  void begin_field(std::string_view name);
  void end_field();
  bool has_room_for(std::string_view name, std::size_t value_size) const noexcept;
  void append_text(std::string_view name, std::string_view value);
  void append_cut_text(std::string_view name, std::string_view value);
  void append_json(std::string_view name, std::string_view value);
  void append_members(std::string_view object);
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
  bool truncated_ = false;  // some part of the current line did not fit
  std::uint64_t dropped_reported_ = 0;
  std::uint64_t errors_reported_ = 0;
};

}  // namespace picortex
