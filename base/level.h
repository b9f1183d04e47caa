#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace picortex {

// pino's levels, with pino's numbers, which sort and are stored in the database.
enum class Level : std::uint8_t {
  trace = 10,
  debug = 20,
  info = 30,
  warn = 40,
  error = 50,
  fatal = 60
};

// Returns "trace" … "fatal".
std::string_view level_label(Level level) noexcept;

// Returns the level that a label names, in any case; nothing for anything else.
std::optional<Level> parse_level(std::string_view label) noexcept;

// Also accepts the names of other loggers: "warning", "critical", "notice", "verbose", syslog's and
// Python's names.
std::optional<Level> parse_level_or_alias(std::string_view label) noexcept;

// Returns the level at or below a pino number (custom levels lie between: 35 reads as info). 1–9
// read as trace, and 0, which pino never writes, as syslog's emergency. Returns nothing outside
// 0–100. Python's and syslog's other numbers mean something else in pino, so they are read as
// pino's.
std::optional<Level> level_of_number(std::int64_t number) noexcept;

}  // namespace picortex
