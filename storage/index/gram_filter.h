#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace picortex {

// Which sequences of four bytes ("grams", ASCII letters in lower case) the texts of some rows have,
// as a Bloom filter: a text with a gram that is not there is in none of the rows.
//
// IDs, times and numbers would fill it: they are different in each row, and have more grams than the
// words, which are the same in many. So
//
// - of the grams of hexadecimal digits and what numbers are divided by, one in four counts, as its
//   hash says;
// - a gram of a word, which has a letter from g to z or a byte beyond ASCII, has up to four places,
//   as many as leave half of the bits free; any other gram has one.
//
// With the rows of a block (storage/index/text_index.h) that each have a random ID of 128 bits, a
// time and some numbers, a quarter of the bits is set: a word of four letters that is nowhere is
// taken for possible in one block of 250, and an ID of 32 digits, of which seven grams count, in one
// of 16,000.
class GramFilter {
 public:
  static constexpr std::size_t kGramSize = 4;
  static constexpr std::size_t kBits = 3968 * 8;
  static constexpr std::size_t kPlacesMax = 4;

  void clear() noexcept { planes_ = {}; }
  void add(std::string_view text) noexcept;
  // The bits and, as the last byte, the places of a word's gram; a row with them fits into one
  // database page. Valid until the next call.
  std::span<const std::uint8_t> bytes() noexcept;

 private:
  // The bits that each further place of a gram sets.
  std::array<std::array<std::uint8_t, kBits / 8>, kPlacesMax> planes_{};
  std::array<std::uint8_t, kBits / 8 + 1> joined_{};
};

// The places of a text's grams in a filter, those that count.
class GramPlaces {
 public:
  explicit GramPlaces(std::string_view text);

  // The text is too short, or none of its grams counts: it may be anywhere.
  bool is_empty() const noexcept { return grams_.empty(); }
  // Whether the filter has all of them. A `filter` without the last byte, which earlier versions
  // wrote, has one place for each gram. One that is none: true.
  bool are_in(std::string_view filter) const noexcept;

 private:
  struct Gram {
    std::array<std::uint16_t, GramFilter::kPlacesMax> places;
    bool is_of_word;

    bool operator==(const Gram&) const = default;
    auto operator<=>(const Gram&) const = default;
  };

  std::vector<Gram> grams_;
};

}  // namespace picortex
