#pragma once

#include <array>
#include <cstdint>

#include "base/uuid.h"

namespace picortex {

// Makes UUIDs of version 7 (RFC 9562, section 5.7), each greater than the one before, also when the
// clock stands still or steps back.
//
//   48 bits  Unix time in milliseconds, never less than the last one's
//   42 bits  counter (rand_a and 30 bits of rand_b): random at each new millisecond with its top
//            bit clear, then one more for each UUID (section 6.2, method 1)
//   32 bits  random
//
// Should 2^41 be made in one millisecond, the time field runs ahead by one. Not thread-safe.
class UuidV7Generator {
 public:
  // `unix_ms`: the current time, 0 to 2^48-1.
  Uuid next(std::int64_t unix_ms) noexcept;

 private:
  std::uint64_t random() noexcept;

  std::uint64_t last_ms_ = 0;
  std::uint64_t counter_ = 0;
  // getrandom(2) fills it 4 KiB at a time: a system call for each UUID would cost more than the
  // UUID.
  std::array<std::uint64_t, 512> pool_{};
  std::size_t pool_used_ = 512;
};

}  // namespace picortex
