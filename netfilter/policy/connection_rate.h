#pragma once

#include <algorithm>
#include <cstdint>

namespace picortex {

// Limits the connections that the fenced user may open: a bucket that holds kBurst and gains
// kPerSecond. A connection that has ended keeps its place in the host's table of connections for
// two minutes, so the user never has more than kBurst + 120 * kPerSecond such places, whatever it
// connects to, including a server of its own on loopback, and 2,000 by SYNs that passed at once
// before their copies showed that there are too many. (nf_conntrack_max is 262,144 on a host with
// 4 GiB.)
class ConnectionRate {
 public:
  static constexpr std::int64_t kBurst = 50'000;
  static constexpr std::int64_t kPerSecond = 500;

  // Returns whether one more may be opened now. A clock that is set back only stops the gain until
  // it is where it was.
  bool take(std::int64_t now_ms) noexcept {
    if (now_ms > filled_ms_) {
      // Beyond what fills the bucket, time has no effect and cannot overflow.
      const std::int64_t gained = std::min(now_ms - filled_ms_, 1000 * kBurst / kPerSecond);
      thousandths_ = std::min(thousandths_ + gained * kPerSecond, 1000 * kBurst);
      filled_ms_ = now_ms;
    }
    if (thousandths_ < 1000) return false;
    thousandths_ -= 1000;
    return true;
  }

 private:
  std::int64_t thousandths_ = 1000 * kBurst;
  std::int64_t filled_ms_ = 0;
};

}  // namespace picortex
