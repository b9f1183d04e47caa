#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace picortex {

// Reads all of `text` as a whole number between `least` and `most`: digits, with a minus sign
// before them only where `least` is negative. Returns none for anything else, such as blanks, a
// plus sign or a number that does not fit.
template <std::integral Number>
std::optional<Number> parse_whole(std::string_view text,
                                  Number least = std::numeric_limits<Number>::min(),
                                  Number most = std::numeric_limits<Number>::max(),
                                  int base = 10) noexcept {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, base);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  if (number < least || number > most || (text.front() == '-' && least >= 0)) return std::nullopt;
  return number;
}

// Reads all of `text` as a decimal number, as from_chars(3) reads `format`; so "inf" and "nan" are
// numbers. Returns none for anything else.
inline std::optional<double> parse_real(
    std::string_view text, std::chars_format format = std::chars_format::general) noexcept {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, format);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

// Takes a whole number off the front of `text`. Returns none, and leaves `text` alone, if there is
// none or if it does not fit.
template <std::integral Number>
std::optional<Number> take_whole(std::string_view& text, int base = 10) noexcept {
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (read.ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return number;
}

struct DurationUnit {
  std::string_view suffix;
  std::int64_t ms;
};

// Reads a whole number with one of the units right after it, such as 90s, as milliseconds between
// `least_ms` and `most_ms`. Where one suffix ends with another, the longer one comes first.
inline std::optional<std::int64_t> parse_duration(std::string_view text,
                                                  std::span<const DurationUnit> units,
                                                  std::int64_t least_ms,
                                                  std::int64_t most_ms) noexcept {
  for (const DurationUnit& unit : units) {
    if (!text.ends_with(unit.suffix)) continue;
    text.remove_suffix(unit.suffix.size());
    // The limit is divided, since the product might not fit.
    const auto count = parse_whole<std::int64_t>(text, 0, most_ms / unit.ms);
    if (!count || *count * unit.ms < least_ms) return std::nullopt;
    return *count * unit.ms;
  }
  return std::nullopt;
}

}  // namespace picortex
