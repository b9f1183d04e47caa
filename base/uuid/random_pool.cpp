#include "base/uuid/random_pool.h"

#include <span>

#include "base/uuid/random_bytes.h"

namespace picortex {

std::uint64_t RandomPool::next() noexcept {
  if (used_ == kSize) {
    fill_random(std::as_writable_bytes(std::span(numbers_)));
    used_ = 0;
  }
  return numbers_[used_++];
}

}  // namespace picortex
