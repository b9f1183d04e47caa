#include "storage/index/gram_filter.h"

#include <algorithm>
#include <bit>

#include "base/ascii.h"

namespace picortex {
namespace {

constexpr std::size_t kBitsMax = GramFilter::kBits / 2;  // that are set

// Multiplying spreads the bytes over the upper half (Knuth's multiplicative hash), and the product
// with the size takes it into the range without a division. Further places are as far from each
// other as a second hash says (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006).
constexpr std::uint16_t place_of(std::uint32_t gram, std::size_t number) noexcept {
  std::uint32_t hash = (gram ^ gram >> 15) * 0x9e3779b1U;
  hash += static_cast<std::uint32_t>(number) * ((gram ^ gram >> 13) * 0xc2b2ae35U | 1);
  return static_cast<std::uint16_t>(std::uint64_t{hash} * GramFilter::kBits >> 32);
}

bool is_of_number(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || c == '-' || c == '.' || c == ':';
}

bool is_of_word(char c) noexcept {
  return (c >= 'g' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

// Of the grams of numbers one in four.
bool counts(std::uint32_t gram) noexcept { return (gram * 0x85ebca6bU) >> 30 == 0; }

// Calls function(gram, whether it is of a word) for those that count.
template <class Function>
void for_each_gram(std::string_view text, Function function) {
  std::uint32_t gram = 0;
  std::size_t in_number = 0;   // bytes up to here that are of a number
  std::size_t word_bytes = 0;  // that are still to be passed until the gram has none of a word
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = lower(text[i]);
    gram = gram << 8 | static_cast<std::uint8_t>(c);
    in_number = is_of_number(c) ? in_number + 1 : 0;
    if (is_of_word(c)) {
      word_bytes = GramFilter::kGramSize;
    } else if (word_bytes > 0) {
      --word_bytes;
    }
    if (i + 1 < GramFilter::kGramSize) continue;
    if (in_number < GramFilter::kGramSize || counts(gram)) function(gram, word_bytes > 0);
  }
}

void set(std::span<std::uint8_t> bits, std::uint16_t place) noexcept {
  bits[place / 8] = static_cast<std::uint8_t>(bits[place / 8] | 1U << place % 8);
}

}  // namespace

void GramFilter::add(std::string_view text) noexcept {
  for_each_gram(text, [this](std::uint32_t gram, bool of_word) {
    set(planes_[0], place_of(gram, 0));
    for (std::size_t i = 1; of_word && i < kPlacesMax; ++i) set(planes_[i], place_of(gram, i));
  });
}

std::span<const std::uint8_t> GramFilter::bytes() noexcept {
  std::ranges::copy(planes_[0], joined_.begin());
  std::size_t places = 1;
  for (; places < kPlacesMax; ++places) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < planes_[places].size(); ++i) {
      planes_[places][i] |= joined_[i];
      count += static_cast<std::size_t>(std::popcount(planes_[places][i]));
    }
    if (count > kBitsMax) break;
    std::ranges::copy(planes_[places], joined_.begin());
  }
  joined_.back() = static_cast<std::uint8_t>(places);
  return joined_;
}

GramPlaces::GramPlaces(std::string_view text) {
  for_each_gram(text, [this](std::uint32_t gram, bool of_word) {
    Gram& added = grams_.emplace_back(Gram{.places = {}, .is_of_word = of_word});
    for (std::size_t i = 0; i < added.places.size(); ++i) added.places[i] = place_of(gram, i);
  });
  std::ranges::sort(grams_);
  const auto rest = std::ranges::unique(grams_);
  grams_.erase(rest.begin(), rest.end());
}

bool GramPlaces::are_in(std::string_view filter) const noexcept {
  constexpr std::size_t kBytes = GramFilter::kBits / 8;
  std::size_t of_word = 1;
  if (filter.size() == kBytes + 1) {
    of_word = static_cast<std::uint8_t>(filter.back());
  } else if (filter.size() != kBytes) {
    return true;
  }
  if (of_word < 1 || of_word > GramFilter::kPlacesMax) return true;
  return std::ranges::all_of(grams_, [&](const Gram& gram) {
    const std::span places(gram.places.data(), gram.is_of_word ? of_word : 1);
    return std::ranges::all_of(places, [filter](std::uint16_t place) {
      return (static_cast<std::uint8_t>(filter[place / 8]) >> place % 8 & 1) != 0;
    });
  });
}

}  // namespace picortex
