#include "netfilter/dns/name_rates.h"

#include <algorithm>
#include <iterator>

namespace picortex {

void NameRates::refill(Bucket& bucket, std::int64_t now_ms) noexcept {
  // A clock that was set back refills nothing.
  const std::int64_t passed_ms = std::max<std::int64_t>(now_ms - bucket.filled_ms, 0);
  const std::int64_t enough_ms = kBurst * 1000 / kPerSecond;
  bucket.millibytes =
      std::min(bucket.millibytes + std::min(passed_ms, enough_ms) * kPerSecond, kBurst * 1000);
  bucket.filled_ms = now_ms;
}

bool NameRates::charge(std::string_view parent, std::size_t size, std::int64_t now_ms) {
  auto found = buckets_.find(parent);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kParentsMax) {
      // A full bucket has no effect.
      for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
        refill(bucket->second, now_ms);
        const bool is_full = bucket->second.millibytes >= kBurst * 1000;
        bucket = is_full ? buckets_.erase(bucket) : std::next(bucket);
      }
      if (buckets_.size() >= kParentsMax) return false;
    }
    found = buckets_.emplace(std::string(parent), Bucket{.filled_ms = now_ms}).first;
  }
  Bucket& bucket = found->second;
  refill(bucket, now_ms);
  const std::int64_t cost = 1000 * std::max(static_cast<std::int64_t>(size), kCostMin);
  if (bucket.millibytes < cost) return false;
  bucket.millibytes -= cost;
  return true;
}

}  // namespace picortex
