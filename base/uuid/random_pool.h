#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace picortex {

// Random numbers from the kernel (random_bytes.h), fetched 4 KiB at a time: a system call for each
// UUID would cost more than the UUID. Not thread-safe.
class RandomPool {
 public:
  std::uint64_t next() noexcept;

 private:
  static constexpr std::size_t kSize = 512;

  std::array<std::uint64_t, kSize> numbers_{};
  std::size_t used_ = kSize;
};

}  // namespace picortex
