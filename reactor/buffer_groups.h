#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace picortex {

// Which buffer groups of a ring are in use. The ring gives each BufferPool a number of its own, so
// that no consumer can take another one's buffers.
class BufferGroups {
 public:
  // The lowest number that is free.
  std::uint16_t take() {
    const auto free = std::ranges::find(is_taken_, false);
    const auto number = static_cast<std::size_t>(free - is_taken_.begin());
    CHECK(number <= UINT16_MAX);
    if (free == is_taken_.end()) is_taken_.push_back(false);
    is_taken_[number] = true;
    return static_cast<std::uint16_t>(number);
  }

  void give_back(std::uint16_t number) noexcept {
    CHECK(number < is_taken_.size() && is_taken_[number]);
    is_taken_[number] = false;
  }

 private:
  std::vector<bool> is_taken_;
};

}  // namespace picortex
