#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace picortex::fuzz {

// The first byte of an input says into pieces of what sizes the rest is cut: 1 to 16 bytes, then 1
// to 16 others, in turn.
class SplitPoints {
 public:
  explicit SplitPoints(std::uint8_t choice) noexcept : sizes_{1u + choice % 16, 1u + choice / 16} {}

  std::size_t next(std::size_t from, std::size_t end) noexcept {
    turn_ = !turn_;
    return std::min(end, from + sizes_[turn_]);
  }

 private:
  std::size_t sizes_[2];
  bool turn_ = false;
};

}  // namespace picortex::fuzz
