#pragma once

#include <cstdint>
#include <vector>

namespace picortex {

// The bytes sent within a window of time that moves on: a sum for each sixtieth of the window. What
// a slot has counted stays for a whole window after the slot's end, so a stretch as long as the
// window never has more than the sum, and the sum looks back by at most a sixtieth too much.
//
// Times are Unix times in ms. A clock that is set back adds to the newest slot. The window's length
// may change: older slots keep their ends.
class UploadWindow {
 public:
  static constexpr std::int64_t kSlotsPerWindow = 60;
  static constexpr std::size_t kSlotsMax = 128;  // beyond it the two oldest become one

  struct Slot {
    std::int64_t end_ms = 0;
    std::int64_t bytes = 0;
    bool is_unwritten = false;  // the log has less
  };

  // Adds to the slot of now, and returns it; the reference is valid until the next call.
  Slot& add(std::int64_t bytes, std::int64_t now_ms, std::int64_t window_ms);
  // Sets what a slot has counted, the oldest first; the last call for a slot counts.
  void restore(std::int64_t end_ms, std::int64_t bytes);

  // Drops what is older than the window, and returns the sum.
  std::int64_t sum(std::int64_t now_ms, std::int64_t window_ms);

  // The oldest first.
  std::vector<Slot>& slots() noexcept { return slots_; }

 private:
  void join_oldest();

  std::vector<Slot> slots_;
};

}  // namespace picortex
