#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/parse.h"

namespace picortex {

// Parses "500M": a whole number of bytes, or one followed by K, M, G or T for multiples of 1024,
// 1024² and so on. Returns nothing for anything else, and for more than 2^62.
inline std::optional<std::int64_t> parse_byte_size(std::string_view text) noexcept {
  constexpr std::string_view kUnits = "KMGT";
  constexpr std::int64_t kMax = std::int64_t{1} << 62;
  int shift = 0;
  if (!text.empty()) {
    const std::size_t unit = kUnits.find(text.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<int>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  const auto number = parse_whole<std::int64_t>(text, 0, kMax >> shift);
  if (!number) return std::nullopt;
  return *number << shift;
}

// Returns the shortest text that parse_byte_size() reads as this number: "20M", "1500".
inline std::string byte_size_text(std::int64_t bytes) {
  constexpr std::string_view kUnits = "KMGT";
  std::string_view unit;
  for (std::size_t i = 0; i < kUnits.size() && bytes != 0 && bytes % 1024 == 0; ++i) {
    bytes /= 1024;
    unit = kUnits.substr(i, 1);
  }
  return std::to_string(bytes).append(unit);
}

}  // namespace picortex
