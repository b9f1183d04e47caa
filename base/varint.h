#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// Whole numbers in as few bytes as they need, seven bits each, the lowest first (LEB128). What they are
// taken from may be a file that anybody may have written, so it may fail.

inline void append_varint(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

// Takes a number off the front of `bytes`; none where they end too early or it has over 64 bits.
inline std::optional<std::uint64_t> take_varint(std::string_view& bytes) noexcept {
  std::uint64_t number = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

// Small numbers of either sign as small numbers without one.
constexpr std::uint64_t zigzag(std::int64_t number) noexcept {
  return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t number) noexcept {
  return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
}

}  // namespace picortex
