#include "base/random_pool.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace picortex {

std::uint64_t RandomPool::next() noexcept {
  if (used_ == kSize) {
    // Up to 256 bytes come whole; a larger request may be cut short by a signal, so go on.
    auto* bytes = reinterpret_cast<char*>(numbers_.data());
    for (std::size_t filled = 0; filled < sizeof numbers_;) {
      const ssize_t got = getrandom(bytes + filled, sizeof numbers_ - filled, 0);
      CHECK(got > 0 || errno == EINTR);
      if (got > 0) filled += static_cast<std::size_t>(got);
    }
    used_ = 0;
  }
  return numbers_[used_++];
}

}  // namespace picortex
