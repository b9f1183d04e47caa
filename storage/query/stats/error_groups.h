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

namespace picortex {

// What a person has said about a group of errors. It is an event of type `error.state` with the
// data {"fingerprint":ID,"state":"muted"}; the newest of a group counts.
enum class ErrorState {
  open,
  muted,     // until it is opened again
  resolved,  // and none has come since
  returned,  // resolved, and come again
};
std::string_view error_state_label(ErrorState state) noexcept;

inline constexpr std::string_view kErrorStateType = "error.state";
inline constexpr std::size_t kErrorIdSize = 16;

// Errors that are alike: of one type, with one fingerprint if the data has one, as Sentry's have;
// else with one error type, one innermost call of its stack, and one message but for numbers.
struct ErrorGroup {
  std::string id;  // kErrorIdSize hexadecimal digits, made of all that
  std::string event_type;
  Level level = Level::error;  // the highest
  std::string title;           // the newest one's message
  std::int64_t count = 0;
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  Uuid last_event{};
  Uuid last_request{};
  std::string release;          // the newest one's, or its commit
  std::set<std::string> chats;  // at most ErrorGroupsQuery::kChatsMax
  ErrorState state = ErrorState::open;
};

// The id of the group that an error belongs to.
std::string error_group_id(const EventRow& row);

// Groups the events of level error and above that fit a filter.
class ErrorGroupsQuery : public SlicedQuery {
 public:
  static constexpr std::size_t kGroupsMax = 5'000;
  static constexpr std::size_t kChatsMax = 100;
  static constexpr std::size_t kStatesMax = 10'000;  // the newest that are read

  // Of the filter the level is raised to error.
  explicit ErrorGroupsQuery(EventFilter filter);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return phase_ == Phase::done; }

  // Instead of run(), where the events are somewhere else: those that fit filter(), then those of
  // type kErrorStateType, at most kStatesMax, both the newest first.
  const EventFilter& filter() const noexcept { return filter_; }
  void take(const EventRow& row);
  void take_state(const EventRow& row);

  std::optional<Error> error() const override { return error_; }
  // Once it is done, or all is taken: the group seen last first.
  std::vector<ErrorGroup> take_groups();

 private:
  enum class Phase { events, states, done };
  struct State {
    std::int64_t time_ms;
    ErrorState state;
  };

  EventFilter filter_;
  Phase phase_ = Phase::events;
  EventReader* reader_ = nullptr;  // that query_ reads with
  std::unique_ptr<EventQuery> query_;
  std::vector<EventRow> rows_;
  std::size_t states_read_ = 0;
  std::unordered_map<std::string, ErrorGroup> groups_;
  std::unordered_map<std::string, State> states_;
  std::optional<Error> error_;
};

}  // namespace picortex
