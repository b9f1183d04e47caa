#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace picortex {

// Tests eight bytes at once (SIMD within a register). A result is not zero if some byte of the word
// fits. A false match is possible only after a byte that fits, so zero is always right, and so is
// the first byte that first_fitting() returns.

inline constexpr std::uint64_t kEveryByte = 0x0101010101010101;
inline constexpr std::uint64_t kEveryTopBit = 0x8080808080808080;

inline std::uint64_t load_word(const char* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// Finds bytes below `limit` (1–128). Bytes above 127 never fit.
constexpr std::uint64_t bytes_below(std::uint64_t word, std::uint64_t limit) noexcept {
  return (word - kEveryByte * limit) & ~word & kEveryTopBit;
}

constexpr std::uint64_t bytes_equal(std::uint64_t word, unsigned char byte) noexcept {
  return bytes_below(word ^ (kEveryByte * byte), 1);
}

// Returns the position of the first byte that fits, from a result that is not zero.
constexpr std::size_t first_fitting(std::uint64_t answer) noexcept {
  static_assert(std::endian::native == std::endian::little);
  return static_cast<std::size_t>(std::countr_zero(answer)) / 8;
}

constexpr std::uint64_t bytes_not_ascii(std::uint64_t word) noexcept { return word & kEveryTopBit; }

}  // namespace picortex
