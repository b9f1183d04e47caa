#include "base/uuid_v7.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace picortex {
namespace {

constexpr std::uint64_t kCounterBits = 42;
constexpr std::uint64_t kCounterEnd = std::uint64_t{1} << kCounterBits;
constexpr std::uint64_t kCounterSeedMask = (kCounterEnd >> 1) - 1;

void store_big_endian(std::uint64_t value, std::uint8_t* out) noexcept {
  value = __builtin_bswap64(value);
  __builtin_memcpy(out, &value, sizeof value);
}

}  // namespace

Uuid UuidV7Generator::next(std::int64_t unix_ms) noexcept {
  const auto ms = static_cast<std::uint64_t>(unix_ms);
  if (ms > last_ms_) {
    last_ms_ = ms;
    counter_ = random() & kCounterSeedMask;
  } else if (++counter_ == kCounterEnd) {
    ++last_ms_;
    counter_ = random() & kCounterSeedMask;
  }
  const std::uint64_t rand_a = counter_ >> 30;
  const std::uint64_t rand_b = ((counter_ & 0x3fffffff) << 32) | (random() & 0xffffffff);
  Uuid uuid;
  store_big_endian((last_ms_ << 16) | 0x7000 | rand_a, uuid.bytes.data());
  store_big_endian((std::uint64_t{2} << 62) | rand_b, uuid.bytes.data() + 8);
  return uuid;
}

std::uint64_t UuidV7Generator::random() noexcept {
  if (pool_used_ == pool_.size()) {
    // Up to 256 bytes come whole; a larger request may be cut short by a signal, so go on.
    auto* bytes = reinterpret_cast<char*>(pool_.data());
    for (std::size_t filled = 0; filled < sizeof pool_;) {
      const ssize_t got = getrandom(bytes + filled, sizeof pool_ - filled, 0);
      CHECK(got > 0 || errno == EINTR);
      if (got > 0) filled += static_cast<std::size_t>(got);
    }
    pool_used_ = 0;
  }
  return pool_[pool_used_++];
}

}  // namespace picortex
