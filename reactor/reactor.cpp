#include "reactor/reactor.h"

#include <algorithm>
#include <utility>

namespace picortex {
namespace {

constexpr unsigned kSubmissionEntries = 1024;
constexpr Nanoseconds kLongestWait = std::chrono::seconds(60);

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::open(const Clock& clock) {
  auto ring = Ring::open(kSubmissionEntries);
  if (!ring) return std::unexpected(ring.error());
  return std::make_unique<Reactor>(std::move(*ring), clock);
}

Reactor::Reactor(std::unique_ptr<Ring> ring, const Clock& clock)
    : ring_(std::move(ring)), clock_(clock), time_(clock.read()), iteration_end_(time_.monotonic) {}

void Reactor::run() noexcept {
  while (!stopping_) iterate();
}

void Reactor::iterate() noexcept {
  ring_->submit_and_wait(time_to_next_deadline());
  time_ = clock_.read();
  completions_ += ring_->deliver();
  for (DeadlineList* list : lists_) list->expire(now());
  for (const IterationHook& hook : hooks_) hook();
  measure_iteration();
}

Nanoseconds Reactor::time_to_next_deadline() noexcept {
  if (std::exchange(at_once_, false)) return Nanoseconds{0};
  Instant next = Instant::max();
  for (const DeadlineList* list : lists_) next = std::min(next, list->next());
  if (next == Instant::max()) return kLongestWait;
  return std::clamp<Nanoseconds>(next - iteration_end_, Nanoseconds{0}, kLongestWait);
}

void Reactor::measure_iteration() noexcept {
  iteration_end_ = clock_.now();
  const Nanoseconds length = iteration_end_ - now();
  ++iterations_;
  longest_iteration_ = std::max(longest_iteration_, length);
  const std::int64_t number = iteration_end_.time_since_epoch() / kSliceLength;
  Slice& slice = slices_[static_cast<std::size_t>(number) % slices_.size()];
  if (slice.number != number) slice = {number, Nanoseconds{0}};
  slice.longest = std::max(slice.longest, length);
}

LoopStats Reactor::stats() const noexcept {
  LoopStats stats{iterations_, completions_, longest_iteration_, Nanoseconds{0}};
  const std::int64_t current = now().time_since_epoch() / kSliceLength;
  for (const Slice& slice : slices_) {
    if (slice.number > current - static_cast<std::int64_t>(kSlicesAMinute)) {
      stats.longest_iteration_last_minute =
          std::max(stats.longest_iteration_last_minute, slice.longest);
    }
  }
  return stats;
}

}  // namespace picortex
