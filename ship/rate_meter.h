#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

namespace picortex::shipping {

// How many events a second there were over the last minute, or since the first if that is less.
class RateMeter {
 public:
  static constexpr std::int64_t kWindowMs = 60'000;

  void add(std::int64_t now_ms, std::int64_t events) {
    if (began_ms_ == 0) began_ms_ = now_ms;
    // One entry a second is enough.
    if (entries_.empty() || now_ms - entries_.back().first >= 1000)
      entries_.emplace_back(now_ms, 0);
    entries_.back().second += events;
    sum_ += events;
    forget(now_ms);
  }

  double rate(std::int64_t now_ms) {
    forget(now_ms);
    const std::int64_t span = std::clamp<std::int64_t>(now_ms - began_ms_, 1000, kWindowMs);
    return static_cast<double>(sum_) * 1000 / static_cast<double>(span);
  }

 private:
  void forget(std::int64_t now_ms) {
    while (!entries_.empty() && entries_.front().first + kWindowMs <= now_ms) {
      sum_ -= entries_.front().second;
      entries_.pop_front();
    }
  }

  std::deque<std::pair<std::int64_t, std::int64_t>> entries_;
  std::int64_t sum_ = 0;
  std::int64_t began_ms_ = 0;
};

}  // namespace picortex::shipping
