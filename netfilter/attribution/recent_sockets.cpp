#include "netfilter/attribution/recent_sockets.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace picortex {
namespace {

// Returns the number of order `i` among 0 … size - 1 if they are sorted by their distance from
// `center`, the higher of two first.
std::size_t outward(std::size_t i, std::size_t center, std::size_t size) noexcept {
  const std::size_t below = center;
  const std::size_t above = size - 1 - center;
  if (i <= 2 * std::min(below, above)) return i % 2 == 1 ? center + (i + 1) / 2 : center - i / 2;
  return below < above ? i : size - 1 - i;
}

}  // namespace

const RecentSockets::Place& RecentSockets::next() noexcept {
  CHECK(!is_finished());
  const std::size_t last = places_.size() - 1;
  current_ = last - outward(looked_at_++, std::min(match_depth_, last), places_.size());
  return places_[current_];
}

void RecentSockets::note_match() noexcept {
  match_depth_ = places_.size() - 1 - current_;
  const auto match = places_.begin() + static_cast<std::ptrdiff_t>(current_);
  std::rotate(match, match + 1, places_.end());
  begin();
}

void RecentSockets::add(Place place) {
  const bool was_finished = is_finished();
  forget(place.pid);
  if (places_.size() == kMax) forget(places_.front().pid);
  places_.push_back(std::move(place));
  if (was_finished) looked_at_ = places_.size();
}

// What has been looked at is not known any more once the places have moved.
void RecentSockets::forget(pid_t pid) noexcept {
  const bool was_finished = is_finished();
  std::erase_if(places_, [pid](const Place& place) { return place.pid == pid; });
  looked_at_ = was_finished ? places_.size() : 0;
}

bool RecentSockets::has(pid_t pid) const noexcept {
  return std::ranges::find(places_, pid, &Place::pid) != places_.end();
}

}  // namespace picortex
