#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace picortex {

// Which sequences of four bytes ("grams", ASCII letters in lower case) the texts of some rows have,
// as a Bloom filter with one hash: a text with a gram that is not there is in none of the rows.
//
// IDs, times and numbers would fill it: they are different in each row, and have more grams than the
// words, which are the same in many. So of the grams of hexadecimal digits and what numbers are
// divided by, one in four counts, as its hash says. With the rows of a block
// (storage/index/text_index.h) that each have a random ID of 128 bits, a time and some numbers, a
// fifth of the bits is set: a word of six letters that is nowhere is taken for possible in one block
// of a hundred, and an ID of 32 digits, of which seven grams count, in one of 70,000.
class GramFilter {
 public:
  static constexpr std::size_t kGramSize = 4;
  static constexpr std::size_t kSize = 3968;  // bytes; a row with it fits into one database page

  void clear() noexcept { bits_.fill(0); }
  void add(std::string_view text) noexcept;
  std::span<const std::uint8_t> bytes() const noexcept { return bits_; }

 private:
  std::array<std::uint8_t, kSize> bits_{};
};

// The places of a text's grams in a filter, those that count.
class GramPlaces {
 public:
  explicit GramPlaces(std::string_view text);

  // The text is too short, or none of its grams counts: it may be anywhere.
  bool is_empty() const noexcept { return places_.empty(); }
  // Whether the filter has all of them. `filter` of another size than kSize: true.
  bool are_in(std::string_view filter) const noexcept;

 private:
  std::vector<std::uint32_t> places_;
};

}  // namespace picortex
