#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace picortex {

// A set of bytes: testing a byte costs one look-up in a table, whatever the set.
class ByteSet {
 public:
  constexpr ByteSet() = default;
  constexpr explicit ByteSet(std::string_view members) { add(members); }

  constexpr ByteSet& add(std::string_view members) {
    for (const char member : members) has_[index(member)] = true;
    return *this;
  }
  // From `first` to `last`, inclusive.
  constexpr ByteSet& add_range(char first, char last) {
    for (unsigned at = index(first); at <= index(last); ++at) has_[at] = true;
    return *this;
  }
  constexpr ByteSet& remove(std::string_view members) {
    for (const char member : members) has_[index(member)] = false;
    return *this;
  }

  constexpr bool has(char byte) const noexcept { return has_[index(byte)]; }
  constexpr bool has_all(std::string_view bytes) const noexcept {
    return std::ranges::all_of(bytes, [this](char byte) { return has(byte); });
  }

 private:
  static constexpr unsigned index(char byte) noexcept { return static_cast<unsigned char>(byte); }

  std::array<bool, 256> has_{};
};

}  // namespace picortex
