#include "cli/commands/follower.h"

#include <utility>

namespace picortex {
namespace {

EventFilter without_end(EventFilter filter) {
  filter.until_ms = EventFilter().until_ms;
  return filter;
}

}  // namespace

Follower::Follower(EventReader& reader, EventFilter filter, std::int64_t after,
                   std::span<const EventRow> shown)
    : reader_(reader), query_(without_end(std::move(filter)), after) {
  for (const EventRow& row : shown) {
    if (row.arrival > after) shown_.insert(row.arrival);
  }
}

StoreResult<bool> Follower::look(std::vector<EventRow>& rows, std::size_t rows_max) {
  // Asked for before the rows, so that a commit in between is found by the next look.
  auto version = TRY(reader_.data_version());
  if (version == version_) return false;
  do {
    TRY(query_.run(reader_, {.rows_max = rows_max, .time_max = std::chrono::milliseconds(10)}));
  } while (!query_.is_done() && query_.rows().size() < rows_max);
  for (EventRow& row : query_.rows()) {
    if (shown_.erase(row.arrival) == 0) rows.push_back(std::move(row));
  }
  query_.rows().clear();
  if (query_.is_done()) version_ = version;
  return !query_.is_done();
}

}  // namespace picortex
