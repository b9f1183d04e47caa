#include "storage/query/stats/error_groups.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "storage/query/json_field.h"
#include "storage/query/stats/error_fingerprint.h"

namespace picortex {
namespace {

constexpr std::size_t kTitleSize = 500;

}  // namespace

ErrorGroupsQuery::ErrorGroupsQuery(EventFilter filter) : filter_(std::move(filter)) {
  filter_.level = std::max(filter_.level, Level::error);
}

StoreResult<void> ErrorGroupsQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (phase_ == Phase::done) return {};
  if (query_ == nullptr || reader_ != &reader) {
    EventFilter filter = filter_;
    if (phase_ == Phase::states) {
      filter = {};
      filter.event_type = kErrorStateType;
    }
    const auto reached = query_ == nullptr ? std::nullopt : query_->reached();
    query_ = std::make_unique<EventQuery>(reader, std::move(filter), reached);
    reader_ = &reader;
  }
  rows_.clear();
  TRY(query_->run(rows_, budget));
  for (const EventRow& row : rows_) phase_ == Phase::states ? take_state(row) : take(row);
  if (error_ || (phase_ == Phase::states && states_read_ >= kErrorStatesMax)) {
    phase_ = Phase::done;
  } else if (query_->is_done()) {
    phase_ = phase_ == Phase::events ? Phase::states : Phase::done;
    query_.reset();
  }
  return {};
}

// Rows come the newest first, unless the filter has another order.
void ErrorGroupsQuery::take(const EventRow& row) {
  if (error_) return;
  const std::uint64_t id = error_group_of(row.event_type, row.msg, row.data);
  auto place = groups_.find(id);
  if (place == groups_.end()) {
    if (groups_.size() == kGroupsMax) {
      error_ = Error{"There are over 5,000 kinds of errors: narrow the time or the filters"};
      return;
    }
    place = groups_.try_emplace(id).first;
    place->second.id = error_group_id(id);
    place->second.event_type = row.event_type;
    place->second.first_ms = row.time_ms;
    place->second.last_ms = -1;
  }
  ErrorGroup& group = place->second;
  ++group.count;
  group.level = std::max(group.level, row.level);
  group.first_ms = std::min(group.first_ms, row.time_ms);
  group.last_arrival = std::max(group.last_arrival, row.arrival);
  if (!row.chat_id.empty() && group.chats.size() < kChatsMax) group.chats.insert(row.chat_id);
  if (row.time_ms <= group.last_ms) return;
  group.last_ms = row.time_ms;
  group.title = cut_to(row.msg, kTitleSize);
  group.last_event = row.id;
  group.last_request = row.request_id;
  group.release = first_json_text(row.data, {"release", "commit", "version"});
}

void ErrorGroupsQuery::take_state(const EventRow& row) {
  ++states_read_;
  const auto note = parse_error_state(row.data);
  // The newest one came first.
  if (note) states_.try_emplace(note->group, State{row.time_ms, row.arrival, note->state});
}

std::vector<ErrorGroup> ErrorGroupsQuery::take_groups() {
  std::vector<ErrorGroup> taken;
  for (auto& [id, group] : groups_) {
    if (const auto said = states_.find(id); said != states_.end()) {
      group.state = said->second.has_returned(group) ? ErrorState::returned : said->second.state;
    }
    taken.push_back(std::move(group));
  }
  groups_.clear();
  std::ranges::sort(taken, [](const ErrorGroup& left, const ErrorGroup& right) {
    return left.last_ms != right.last_ms ? left.last_ms > right.last_ms : left.id < right.id;
  });
  return taken;
}

}  // namespace picortex
