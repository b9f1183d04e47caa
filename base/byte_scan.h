#pragma once

#include <cstdint>
#include <cstring>

namespace picortex {

// Eight bytes looked at together (SIMD within a register). A function's answer is not zero when
// some byte of the word fits; which one, a closer look tells. A false alarm is possible only beside
// a byte that fits, so zero is always right.

inline constexpr std::uint64_t kEveryByte = 0x0101010101010101;
inline constexpr std::uint64_t kEveryTopBit = 0x8080808080808080;

inline std::uint64_t load_word(const char* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// Bytes below `limit` (1–128). Bytes above 127 never fit.
constexpr std::uint64_t bytes_below(std::uint64_t word, std::uint64_t limit) noexcept {
  return (word - kEveryByte * limit) & ~word & kEveryTopBit;
}

constexpr std::uint64_t bytes_equal(std::uint64_t word, unsigned char byte) noexcept {
  return bytes_below(word ^ (kEveryByte * byte), 1);
}

constexpr std::uint64_t bytes_not_ascii(std::uint64_t word) noexcept { return word & kEveryTopBit; }

}  // namespace picortex
