#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.h"

namespace picortex {

// Limits the data that names below a wildcard can carry out: a name below `*.example.com` reaches
// the servers of example.com, with whatever the asker wrote into it. A bucket of bytes for each
// wildcard; a question costs the size of its name below the wildcard, and kCostMin at least.
class NameRates {
 public:
  static constexpr std::int64_t kBurst = 192 << 10;  // bytes
  static constexpr std::int64_t kPerSecond = 2 << 10;
  static constexpr std::int64_t kCostMin = 8;  // also for a name that was answered before
  static constexpr std::size_t kParentsMax = 4096;

  // Returns whether a question for a name with `size` bytes below `parent` may be sent now.
  bool charge(std::string_view parent, std::size_t size, std::int64_t now_ms);

 private:
  struct Bucket {
    std::int64_t millibytes = kBurst * 1000;
    std::int64_t filled_ms = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash(text); }
    KeyedHash hash;
  };

  static void refill(Bucket& bucket, std::int64_t now_ms) noexcept;

  std::unordered_map<std::string, Bucket, TextHash, std::equal_to<>> buckets_;
};

}  // namespace picortex
