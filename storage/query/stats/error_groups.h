#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "storage/query/sliced_query.h"
#include "storage/query/stats/error_states.h"

namespace picortex {

// Errors that are alike (error_fingerprint.h).
struct ErrorGroup {
  std::string id;  // kErrorIdSize hexadecimal digits
  std::string event_type;
  Level level = Level::error;  // the highest
  std::string title;           // the newest one's message
  std::int64_t count = 0;
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  std::int64_t last_arrival = 0;  // EventRow::arrival of the one that came last
  Uuid last_event{};
  Uuid last_request{};
  std::string release;          // the newest one's, or its commit
  std::set<std::string> chats;  // at most ErrorGroupsQuery::kChatsMax
  ErrorState state = ErrorState::open;
};

// Groups the events of level error and above that fit a filter.
class ErrorGroupsQuery : public SlicedQuery {
 public:
  static constexpr std::size_t kGroupsMax = 5'000;
  static constexpr std::size_t kChatsMax = 100;

  // Of the filter the level is raised to error.
  explicit ErrorGroupsQuery(EventFilter filter);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return phase_ == Phase::done; }

  // Instead of run(), where the events are somewhere else: those that fit filter(), then those of
  // type kErrorStateType, at most kErrorStatesMax, both the newest first.
  const EventFilter& filter() const noexcept { return filter_; }
  void take(const EventRow& row);
  void take_state(const EventRow& row);

  std::optional<Error> error() const override { return error_; }
  // Once it is done, or all is taken: the group seen last first.
  std::vector<ErrorGroup> take_groups();

 private:
  enum class Phase { events, states, done };

  // The newest of a group.
  struct State {
    std::int64_t time_ms;
    std::int64_t arrival;
    ErrorState state;

    // An error may be dated ahead of the resolution that came after it, and one that waited at its
    // client may come after the resolution of what it is a part of.
    bool has_returned(const ErrorGroup& group) const noexcept {
      const bool came_later =
          arrival == 0 || group.last_arrival == 0 || group.last_arrival > arrival;
      return state == ErrorState::resolved && group.last_ms > time_ms && came_later;
    }
  };

  EventFilter filter_;
  Phase phase_ = Phase::events;
  EventReader* reader_ = nullptr;  // that query_ reads with
  std::unique_ptr<EventQuery> query_;
  std::vector<EventRow> rows_;
  std::size_t states_read_ = 0;
  std::unordered_map<std::uint64_t, ErrorGroup> groups_;
  std::unordered_map<std::uint64_t, State> states_;
  std::optional<Error> error_;
};

}  // namespace picortex
