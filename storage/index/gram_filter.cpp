#include "storage/index/gram_filter.h"

#include <algorithm>

#include "base/ascii.h"

namespace picortex {
namespace {

constexpr std::uint32_t kBits = GramFilter::kSize * 8;

// Multiplying spreads the bytes over the upper half (Knuth's multiplicative hash), and the product
// with the size takes it into the range without a division.
constexpr std::uint32_t place_of(std::uint32_t gram) noexcept {
  const std::uint32_t hash = (gram ^ gram >> 15) * 0x9e3779b1U;
  return static_cast<std::uint32_t>(std::uint64_t{hash} * kBits >> 32);
}

bool is_of_numbers(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || c == '-' || c == '.' || c == ':';
}

// Of the grams of numbers one in four.
bool counts(std::uint32_t gram) noexcept { return (gram * 0x85ebca6bU) >> 30 == 0; }

template <class Function>
void for_each_gram(std::string_view text, Function function) {
  std::uint32_t gram = 0;
  std::size_t in_number = 0;  // bytes up to here that are of a number
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = lower(text[i]);
    gram = gram << 8 | static_cast<std::uint8_t>(c);
    in_number = is_of_numbers(c) ? in_number + 1 : 0;
    if (i + 1 < GramFilter::kGramSize) continue;
    if (in_number < GramFilter::kGramSize || counts(gram)) function(place_of(gram));
  }
}

}  // namespace

void GramFilter::add(std::string_view text) noexcept {
  for_each_gram(text, [this](std::uint32_t place) {
    bits_[place / 8] = static_cast<std::uint8_t>(bits_[place / 8] | 1U << place % 8);
  });
}

GramPlaces::GramPlaces(std::string_view text) {
  for_each_gram(text, [this](std::uint32_t place) { places_.push_back(place); });
  std::ranges::sort(places_);
  const auto rest = std::ranges::unique(places_);
  places_.erase(rest.begin(), rest.end());
}

bool GramPlaces::are_in(std::string_view filter) const noexcept {
  if (filter.size() != GramFilter::kSize) return true;
  return std::ranges::all_of(places_, [filter](std::uint32_t place) {
    return (static_cast<std::uint8_t>(filter[place / 8]) >> place % 8 & 1) != 0;
  });
}

}  // namespace picortex
