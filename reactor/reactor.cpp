#include "reactor/reactor.h"

#include <algorithm>

namespace picortex {
namespace {

constexpr unsigned kSubmissionEntries = 1024;
constexpr Nanoseconds kLongestWait = std::chrono::seconds(60);

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::open() {
  auto ring = Ring::open(kSubmissionEntries);
  if (!ring) return std::unexpected(ring.error());
  return std::make_unique<Reactor>(std::move(*ring));
}

Reactor::Reactor(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {
  read_clocks();
  turn_end_ = now_;
}

void Reactor::run() noexcept {
  while (!stopping_) turn();
}

void Reactor::turn() noexcept {
  ring_->submit_and_wait(time_to_next_deadline());
  read_clocks();
  completions_ += ring_->deliver();
  for (DeadlineList* list : lists_) list->expire(now_);
  for (const TurnHook& hook : hooks_) hook.run();
  measure_turn();
}

Nanoseconds Reactor::time_to_next_deadline() const noexcept {
  Instant next = Instant::max();
  for (const DeadlineList* list : lists_) next = std::min(next, list->next());
  if (next == Instant::max()) return kLongestWait;
  return std::clamp<Nanoseconds>(next - turn_end_, Nanoseconds{0}, kLongestWait);
}

void Reactor::read_clocks() noexcept {
  using namespace std::chrono;
  now_ = steady_clock::now();
  unix_ms_ = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

void Reactor::measure_turn() noexcept {
  turn_end_ = std::chrono::steady_clock::now();
  const Nanoseconds length = turn_end_ - now_;
  ++turns_;
  longest_turn_ = std::max(longest_turn_, length);
  const std::int64_t number = turn_end_.time_since_epoch() / kSliceLength;
  Slice& slice = slices_[static_cast<std::size_t>(number) % slices_.size()];
  if (slice.number != number) slice = {number, Nanoseconds{0}};
  slice.longest = std::max(slice.longest, length);
}

LoopFigures Reactor::figures() const noexcept {
  LoopFigures figures{turns_, completions_, longest_turn_, Nanoseconds{0}};
  const std::int64_t current = now_.time_since_epoch() / kSliceLength;
  for (const Slice& slice : slices_) {
    if (slice.number > current - static_cast<std::int64_t>(kSlicesAMinute)) {
      figures.longest_turn_last_minute = std::max(figures.longest_turn_last_minute, slice.longest);
    }
  }
  return figures;
}

}  // namespace picortex
