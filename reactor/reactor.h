#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "reactor/deadline_list.h"
#include "reactor/ring.h"

namespace picortex {

// Work that is due at the end of every turn of the loop: sending verdicts, committing rows, writing
// log lines. Bound to a member function of its owner.
class TurnHook {
 public:
  template <auto Method, class Owner>
  static TurnHook to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_v<decltype(Method), Owner&>);
    return TurnHook(&owner, [](void* bound) noexcept { (static_cast<Owner*>(bound)->*Method)(); });
  }

  void run() const noexcept { handler_(owner_); }

 private:
  using Handler = void (*)(void*) noexcept;
  TurnHook(void* owner, Handler handler) noexcept : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
};

// What the loop says of itself.
struct LoopFigures {
  std::uint64_t turns = 0;
  std::uint64_t completions = 0;
  Nanoseconds longest_turn{0};
  Nanoseconds longest_turn_last_minute{0};
};

// The loop: one thread that waits for a completion or the next deadline, delivers completions,
// expires deadlines, runs the turn's hooks, and waits again, with one system call a turn.
class Reactor {
 public:
  static Result<std::unique_ptr<Reactor>> open();
  explicit Reactor(std::unique_ptr<Ring> ring);

  Ring& ring() noexcept { return *ring_; }

  // Both clocks are read once a turn.
  Instant now() const noexcept { return now_; }
  std::int64_t unix_ms() const noexcept { return unix_ms_; }

  // What is added must outlive the loop's run. Hooks run in the order in which they were added.
  void add(DeadlineList& list) { lists_.push_back(&list); }
  void add(TurnHook hook) { hooks_.push_back(hook); }
  // Ahead of those that are there.
  void add_first(TurnHook hook) { hooks_.insert(hooks_.begin(), hook); }

  // Turns until stop() is called.
  void run() noexcept;
  void stop() noexcept { stopping_ = true; }
  // There is work left for the next turn: it does not wait.
  void turn_at_once() noexcept { at_once_ = true; }
  // One turn: waits, delivers, expires, runs the hooks.
  void turn() noexcept;

  LoopFigures figures() const noexcept;

 private:
  Nanoseconds time_to_next_deadline() noexcept;
  void read_clocks() noexcept;
  void measure_turn() noexcept;

  // The longest turn of each of the last slices of time, so that the last minute's is known without
  // keeping every turn.
  struct Slice {
    std::int64_t number = -1;
    Nanoseconds longest{0};
  };
  static constexpr std::chrono::seconds kSliceLength{5};
  static constexpr std::size_t kSlicesAMinute = 12;

  std::unique_ptr<Ring> ring_;
  std::vector<DeadlineList*> lists_;
  std::vector<TurnHook> hooks_;
  Instant now_{};
  Instant turn_end_{};
  std::int64_t unix_ms_ = 0;
  bool stopping_ = false;
  bool at_once_ = false;
  std::uint64_t turns_ = 0;
  std::uint64_t completions_ = 0;
  Nanoseconds longest_turn_{0};
  std::array<Slice, kSlicesAMinute> slices_{};
};

}  // namespace picortex
