#include "storage/event_id.h"

#include <cstring>

#include "base/time/timestamp.h"

namespace picortex {
namespace {

constexpr std::uint64_t kVersion = 0x7000;
constexpr std::uint64_t kVersionMask = 0xf000;
constexpr std::uint64_t kVariant = std::uint64_t{2} << 62;
constexpr std::uint64_t kVariantMask = std::uint64_t{3} << 62;

}  // namespace

Uuid event_id(const EventPlace& place) noexcept {
  const auto key = static_cast<std::uint64_t>(place.key);
  const std::uint64_t halves[2] = {
      __builtin_bswap64((key >> 20) << 16 | kVersion | (key >> 8 & 0xfff)),
      __builtin_bswap64(kVariant | (key & 0xff) << 54 | static_cast<std::uint64_t>(place.tail))};
  Uuid id;
  std::memcpy(id.bytes.data(), halves, sizeof halves);
  return id;
}

std::optional<EventPlace> event_place(const Uuid& id) noexcept {
  std::uint64_t halves[2];
  std::memcpy(halves, id.bytes.data(), sizeof halves);
  const std::uint64_t high = __builtin_bswap64(halves[0]);
  const std::uint64_t low = __builtin_bswap64(halves[1]);
  if ((high & kVersionMask) != kVersion || (low & kVariantMask) != kVariant) return std::nullopt;
  const std::uint64_t time_ms = high >> 16;
  if (time_ms > static_cast<std::uint64_t>(kLatestUnixMs)) return std::nullopt;
  const std::uint64_t sequence = (high & 0xfff) << 8 | (low >> 54 & 0xff);
  return EventPlace{static_cast<std::int64_t>(time_ms << kSequenceBits | sequence),
                    static_cast<std::int64_t>(low & EventPlace::kTailMask)};
}

}  // namespace picortex
