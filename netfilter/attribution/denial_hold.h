#pragma once

#include <chrono>
#include <cstddef>

#include "reactor/deadline_list.h"

namespace picortex {

// Decides when denials that wait for their process to be found are sent nevertheless. A denial ends
// the client's socket, by which the process is found. Each sender of denials owns one, and lets at
// most kHeldMax denials wait.
class DenialHold {
 public:
  static constexpr std::size_t kHeldMax = 32;
  static constexpr std::chrono::milliseconds kTimeMax{20};
  // On a busy machine the time may pass without a search. These iterations, each with a slice of the
  // search (Attribution::kSlice), are as much search as fits into the time on an idle one.
  static constexpr int kIterationsMin = 40;

  // Returns whether waiting denials continue to wait. Call it once in each iteration in which some do,
  // with their number.
  bool goes_on(bool is_searching, std::size_t held, Instant now) noexcept {
    if (!is_holding_) {
      since_ = now;
      iterations_ = 0;
    }
    const bool has_time = now - since_ < kTimeMax || iterations_ < kIterationsMin;
    ++iterations_;
    is_holding_ = is_searching && held <= kHeldMax && has_time;
    return is_holding_;
  }
  // None waits any more.
  void end() noexcept { is_holding_ = false; }

 private:
  bool is_holding_ = false;  // true exactly while denials wait since `since_`
  Instant since_{};
  int iterations_ = 0;
};

}  // namespace picortex
