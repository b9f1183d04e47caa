#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace picortex {

// Counts durations in buckets, of which eight share each power of two of a microsecond, so that a
// quantile is at most 12.5 % too long.
class BlockingTimeHistogram {
 public:
  using Duration = std::chrono::nanoseconds;

  void add(Duration length) noexcept {
    ++counts_[bucket_of(static_cast<std::uint64_t>(length / std::chrono::microseconds(1)))];
    ++total_;
  }

  // Returns the end of the bucket with the value that `permille` of a thousand do not exceed.
  Duration quantile(std::uint64_t permille) const noexcept {
    const std::uint64_t rank = (total_ * permille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= rank && seen > 0) return std::chrono::microseconds(end_of(i));
    }
    return Duration{0};
  }

 private:
  static constexpr std::uint64_t kPerPower = 8;
  static constexpr int kPowers = 24;  // to 67 seconds; longer durations count in the last bucket

  static std::size_t bucket_of(std::uint64_t microseconds) noexcept {
    if (microseconds < kPerPower) return microseconds;
    const int shift = std::bit_width(microseconds) - 4;
    const std::size_t bucket =
        static_cast<std::size_t>(shift) * kPerPower + (microseconds >> shift);
    return bucket < kPerPower * kPowers ? bucket : kPerPower * kPowers - 1;
  }

  // Returns the first value beyond the bucket.
  static std::uint64_t end_of(std::size_t bucket) noexcept {
    if (bucket < 2 * kPerPower) return bucket + 1;
    const std::size_t shift = bucket / kPerPower - 1;
    return (bucket % kPerPower + kPerPower + 1) << shift;
  }

  std::array<std::uint64_t, kPerPower * kPowers> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace picortex
