#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "handlers/pipeline/event_observer.h"
#include "storage/query/stats/error_states.h"

namespace picortex {

// A group of errors that an operator has resolved, and that has come again.
struct ReturnedError {
  std::uint64_t group = 0;       // storage/query/stats/error_fingerprint.h
  std::int64_t resolved_ms = 0;  // Unix time
  std::int64_t returned_ms = 0;  // of the event that brought it back
  std::int64_t stored_ms = 0;    // when that event was stored
  Uuid event;                    // its ID
  Uuid request_id;               // its request
  std::string chat_id;           // empty: in no chat
  std::string title;             // its message's first line, cut to kTitleSizeMax bytes
  std::uint64_t suppressed = 0;  // returns since the last one that called the operator
  bool calls_operator = true;    // false: it is beyond kPerMinuteMax
};

// Follows the states of groups of errors, and finds the first error that belongs to a group that is
// resolved and whose time is after that. The group then counts as returned, which is open, so that
// nothing follows until an operator resolves it again. Muted groups are never found.
//
// States come from the store when it is opened, then from the events of type `error.state`. Of a
// group the state of the latest time counts, as ErrorGroupsQuery has it. At most kGroupsMax groups
// are followed; beyond that the one whose state is the oldest is dropped, which is the one that the
// query no longer reads either.
class ReturnedErrorWatch final : public EventObserver {
 public:
  static constexpr std::size_t kGroupsMax = kErrorStatesMax;
  static constexpr std::size_t kTitleSizeMax = 300;
  // Returns that wait for a look. A group that finds no place stays resolved: its next error counts.
  static constexpr std::size_t kDueMax = 256;
  // Anybody who may send errors can bring groups back: more than this within a minute are reported,
  // but do not call the operator.
  static constexpr std::uint64_t kPerMinuteMax = 10;

  void on_error_states(const ErrorStates& states) noexcept override;
  void append(const Event& event) noexcept override;
  void publish(const ClockReading& now) noexcept override;
  void discard() noexcept override;

  // Calls `report(const ReturnedError&)` for each return since the last look. `now_ms` is of a
  // monotonic clock.
  template <class Report>
  void look(std::int64_t now_ms, Report report) {
    for (ReturnedError& error : due_) {
      limit(error, now_ms);
      report(std::as_const(error));
    }
    due_.clear();
  }
  // The number of groups that are followed.
  std::size_t size() const noexcept { return states_.size(); }

 private:
  void take(std::uint64_t group, const DatedErrorState& state);
  const DatedErrorState* find(std::uint64_t group) const noexcept;
  void append_error(const Event& event);
  void limit(ReturnedError& error, std::int64_t now_ms) noexcept;

  ErrorStates states_;
  std::set<std::pair<std::int64_t, std::uint64_t>> by_time_;  // the same groups
  // Of the open transaction: the states that it changes, and the groups that it brings back.
  ErrorStates pending_;
  std::vector<ReturnedError> returned_;
  std::vector<ReturnedError> due_;
  std::int64_t minute_begin_ms_ = 0;
  std::uint64_t called_ = 0;  // in this minute
  std::uint64_t suppressed_ = 0;
};

}  // namespace picortex
