#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace picortex::shipping {

// Ends the waits of all threads of a process at once.
class StopSignal {
 public:
  void set() {
    {
      const std::lock_guard lock(mutex_);
      is_set_ = true;
    }
    changed_.notify_all();
  }
  const std::atomic<bool>& flag() const noexcept { return is_set_; }
  bool is_set() const noexcept { return is_set_; }

  // Returns false at once when it is set; true after `time`.
  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [this] { return is_set_.load(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> is_set_ = false;
};

}  // namespace picortex::shipping
