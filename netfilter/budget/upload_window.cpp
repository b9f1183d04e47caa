#include "netfilter/budget/upload_window.h"

#include <algorithm>

namespace picortex {

UploadWindow::Slot& UploadWindow::add(std::int64_t bytes, std::int64_t now_ms,
                                      std::int64_t window_ms) {
  const std::int64_t length_ms = std::max<std::int64_t>(window_ms / kSlotsPerWindow, 1000);
  if (slots_.empty() || slots_.back().end_ms <= now_ms) {
    slots_.push_back({.end_ms = now_ms - now_ms % length_ms + length_ms});
    join_oldest();
  }
  slots_.back().bytes += bytes;
  slots_.back().is_unwritten = true;
  return slots_.back();
}

void UploadWindow::restore(std::int64_t end_ms, std::int64_t bytes) {
  auto at = std::ranges::lower_bound(slots_, end_ms, {}, &Slot::end_ms);
  if (at == slots_.end() || at->end_ms != end_ms) at = slots_.insert(at, {.end_ms = end_ms});
  at->bytes = bytes;
  join_oldest();
}

void UploadWindow::join_oldest() {
  if (slots_.size() <= kSlotsMax) return;
  slots_[1].bytes += slots_[0].bytes;
  slots_[1].is_unwritten |= slots_[0].is_unwritten;
  slots_.erase(slots_.begin());
}

std::int64_t UploadWindow::sum(std::int64_t now_ms, std::int64_t window_ms) {
  const auto first = std::ranges::find_if(
      slots_, [&](const Slot& slot) { return slot.end_ms + window_ms > now_ms; });
  slots_.erase(slots_.begin(), first);
  std::int64_t sum = 0;
  for (const Slot& slot : slots_) sum += slot.bytes;
  return sum;
}

}  // namespace picortex
