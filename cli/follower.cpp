#include "cli/follower.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "storage/event_id.h"

namespace picortex {

Follower::Follower(EventReader& reader, EventFilter filter, std::span<const EventRow> shown,
                   bool is_all, std::int64_t now_ms)
    : reader_(reader),
      filter_(std::move(filter)),
      floor_(std::max<std::int64_t>(first_key_of(now_ms - kLateMs), 0)) {
  filter_.since_ms = 0;
  filter_.until_ms = EventFilter().until_ms;
  filter_.order = EventOrder::oldest_first;
  for (const EventRow& row : shown) known_.insert(row.key);
  // What is older than a full page is not known, and not new.
  if (!is_all && !shown.empty()) floor_ = std::max(floor_, shown.back().key);
  forget(now_ms);
}

StoreResult<bool> Follower::look(std::vector<EventRow>& rows, std::size_t rows_max,
                                 std::int64_t now_ms) {
  // Asked for before the rows, so that a commit in between is found by the next look.
  auto version = reader_.data_version();
  if (!version) return std::unexpected(std::move(version.error()));
  if (*version == version_) return false;
  EventQuery query(reader_, filter_, floor_ > 0 ? std::optional(floor_ - 1) : std::nullopt);
  query.pass_over(known_);
  const std::size_t before = rows.size();
  while (!query.is_done() && rows.size() < before + rows_max) {
    auto done =
        query.run(rows, {.rows_max = before + rows_max, .time_max = std::chrono::milliseconds(10)});
    if (!done) return std::unexpected(std::move(done.error()));
  }
  for (std::size_t i = before; i < rows.size(); ++i) known_.insert(rows[i].key);
  if (query.is_done()) version_ = *version;
  forget(now_ms);
  return !query.is_done();
}

void Follower::forget(std::int64_t now_ms) {
  floor_ = std::max(floor_, first_key_of(now_ms - kLateMs));
  if (known_.size() > kKnownMax) {
    // Events of the future do not count: they would hide those of the present.
    std::vector<std::int64_t> keys;
    std::ranges::copy_if(known_, std::back_inserter(keys),
                         [now_ms](std::int64_t key) { return key < first_key_of(now_ms + 1); });
    if (keys.size() > kKnownMax) {
      std::ranges::nth_element(keys, keys.begin() + kKnownMax, std::greater());
      floor_ = std::max(floor_, keys[kKnownMax] + 1);
    }
  }
  std::erase_if(known_, [this](std::int64_t key) { return key < floor_; });
}

}  // namespace picortex
