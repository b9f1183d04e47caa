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
// With the rows of a block (storage/index/text_index.h) about half of the bits are set; so a text
// of ten letters that is nowhere is taken for possible in one block of a hundred.
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

// The places of a text's grams in a filter.
class GramPlaces {
 public:
  explicit GramPlaces(std::string_view text);

  // The text is too short: it may be anywhere.
  bool is_empty() const noexcept { return places_.empty(); }
  // Whether the filter has all of them. `filter` of another size than kSize: true.
  bool are_in(std::string_view filter) const noexcept;

 private:
  std::vector<std::uint32_t> places_;
};

}  // namespace picortex
