#pragma once

#include <cstdint>

#include "base/uuid/random_pool.h"
#include "base/uuid/uuid.h"

namespace picortex {

// Generates UUIDs of version 7 (RFC 9562, section 5.7), each greater than the one before, even if
// the
// clock stands still or steps back.
//
//   48 bits  Unix time in milliseconds, never less than the last one's
//   42 bits  counter (rand_a and 30 bits of rand_b): random at each new millisecond with its top
//            bit clear, then one more for each UUID (section 6.2, method 1)
//   32 bits  random
//
// If 2^41 are generated in one millisecond, the time field runs ahead by one. Not thread-safe.
class UuidV7Generator {
 public:
  // `unix_ms` is the current time, 0 to 2^48-1.
  Uuid next(std::int64_t unix_ms) noexcept;

 private:
  std::uint64_t last_ms_ = 0;
  std::uint64_t counter_ = 0;
  RandomPool random_;
};

}  // namespace picortex
