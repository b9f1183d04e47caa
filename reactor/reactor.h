#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/callback.h"
#include "base/result.h"
#include "base/time/clock.h"
#include "reactor/deadline_list.h"
#include "reactor/ring.h"

namespace picortex {

// Work that is due at the end of every iteration of the loop: sending verdicts, committing rows,
// writing log lines.
using IterationHook = Callback<>;

// The loop's stats.
struct LoopStats {
  std::uint64_t iterations = 0;
  std::uint64_t completions = 0;
  Nanoseconds longest_iteration{0};
  Nanoseconds longest_iteration_last_minute{0};
};

// The loop: one thread that waits for a completion or the next deadline, delivers completions,
// expires deadlines, runs the iteration's hooks, and waits again, with one system call per
// iteration.
class Reactor {
 public:
  // `clock` outlives the loop.
  static Result<std::unique_ptr<Reactor>> open(const Clock& clock = kSystemClock);
  Reactor(std::unique_ptr<Ring> ring, const Clock& clock);

  Ring& ring() noexcept { return *ring_; }

  // The time as of the beginning of this iteration, in which both clocks are read once.
  Instant now() const noexcept { return time_.monotonic; }
  std::int64_t unix_ms() const noexcept { return time_.unix_ms; }
  const ClockReading& time() const noexcept { return time_; }
  // For measuring within an iteration.
  const Clock& clock() const noexcept { return clock_; }

  // Arguments must outlive the loop's run. Hooks run in the order in which they were added.
  void add(DeadlineList& list) { lists_.push_back(&list); }
  void add(IterationHook hook) { hooks_.push_back(hook); }
  // Adds a hook before the existing ones.
  void add_first(IterationHook hook) { hooks_.insert(hooks_.begin(), hook); }

  // Iterates until stop() is called.
  void run() noexcept;
  void stop() noexcept { stopping_ = true; }
  // There is work left for the next iteration: it does not wait.
  void turn_at_once() noexcept { at_once_ = true; }
  // One iteration: waits, delivers, expires, runs the hooks.
  void iterate() noexcept;

  LoopStats stats() const noexcept;

 private:
  Nanoseconds time_to_next_deadline() noexcept;
  void measure_iteration() noexcept;

  // The longest iteration of each of the last slices of time, so that the last minute's is known
  // without storing every iteration.
  struct Slice {
    std::int64_t number = -1;
    Nanoseconds longest{0};
  };
  static constexpr std::chrono::seconds kSliceLength{5};
  static constexpr std::size_t kSlicesAMinute = 12;

  std::unique_ptr<Ring> ring_;
  const Clock& clock_;
  std::vector<DeadlineList*> lists_;
  std::vector<IterationHook> hooks_;
  ClockReading time_;
  Instant iteration_end_;
  bool stopping_ = false;
  bool at_once_ = false;
  std::uint64_t iterations_ = 0;
  std::uint64_t completions_ = 0;
  Nanoseconds longest_iteration_{0};
  std::array<Slice, kSlicesAMinute> slices_{};
};

}  // namespace picortex
