#include "base/uuid/uuid_v7.h"

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
    counter_ = random_.next() & kCounterSeedMask;
  } else if (++counter_ == kCounterEnd) {
    ++last_ms_;
    counter_ = random_.next() & kCounterSeedMask;
  }
  const std::uint64_t rand_a = counter_ >> 30;
  const std::uint64_t rand_b = ((counter_ & 0x3fffffff) << 32) | (random_.next() & 0xffffffff);
  Uuid uuid;
  store_big_endian((last_ms_ << 16) | 0x7000 | rand_a, uuid.bytes.data());
  store_big_endian((std::uint64_t{2} << 62) | rand_b, uuid.bytes.data() + 8);
  return uuid;
}

}  // namespace picortex
