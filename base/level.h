#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace picortex {

// pino's levels, with pino's numbers: they order, and they are what the database stores.
enum class Level : std::uint8_t {
  trace = 10,
  debug = 20,
  info = 30,
  warn = 40,
  error = 50,
  fatal = 60
};

// "trace" … "fatal".
std::string_view level_label(Level level) noexcept;

// The level that a label names, in any case; none for anything else.
std::optional<Level> parse_level(std::string_view label) noexcept;

// The level at or below a pino number (custom levels lie between: 35 reads as info). 1–9 read as
// trace; none outside 1–100.
std::optional<Level> level_of_number(std::int64_t number) noexcept;

}  // namespace picortex
