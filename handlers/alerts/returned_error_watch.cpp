#include "handlers/alerts/returned_error_watch.h"

#include <utility>

#include "base/text.h"
#include "base/time/durations.h"

namespace picortex {

void ReturnedErrorWatch::on_error_states(const ErrorStates& states) noexcept {
  states_.clear();
  by_time_.clear();
  for (const auto& [group, state] : states) take(group, state);
}

void ReturnedErrorWatch::append(const Event& event) noexcept {
  if (event.event_type == kErrorStateType) {
    const auto note = parse_error_state(event.data);
    if (!note) return;
    const DatedErrorState* known = find(note->group);
    // Of two at the same moment the one that arrives later counts.
    if (known != nullptr && known->time_ms > event.time_ms) return;
    pending_[note->group] = {event.time_ms, note->state};
  } else if (event.error_group != 0) {
    append_error(event);
  }
}

void ReturnedErrorWatch::append_error(const Event& event) {
  const DatedErrorState* known = find(event.error_group);
  const bool is_return =
      known != nullptr && known->state == ErrorState::resolved && event.time_ms > known->time_ms;
  if (!is_return || due_.size() + returned_.size() >= kDueMax) return;
  const std::int64_t resolved_ms = known->time_ms;
  returned_.push_back(
      {.group = event.error_group,
       .resolved_ms = resolved_ms,
       .returned_ms = event.time_ms,
       .stored_ms = 0,
       .event = event.id.value_or(Uuid()),
       .request_id = event.request_id,
       .chat_id = std::string(event.chat_id),
       .title = std::string(cut_to(event.msg.substr(0, event.msg.find('\n')), kTitleSizeMax))});
  // Not the time of the error, which its sender chose: what an operator says next must be later.
  pending_[event.error_group] = {resolved_ms + 1, ErrorState::returned};
}

void ReturnedErrorWatch::publish(const ClockReading& now) noexcept {
  for (const auto& [group, state] : pending_) take(group, state);
  for (ReturnedError& error : returned_) {
    error.stored_ms = now.unix_ms;
    due_.push_back(std::move(error));
  }
  discard();
}

void ReturnedErrorWatch::discard() noexcept {
  pending_.clear();
  returned_.clear();
}

void ReturnedErrorWatch::take(std::uint64_t group, const DatedErrorState& state) {
  const auto [known, is_new] = states_.try_emplace(group, state);
  if (!is_new) {
    by_time_.erase({known->second.time_ms, group});
    known->second = state;
  }
  by_time_.emplace(state.time_ms, group);
  if (states_.size() <= kGroupsMax) return;
  states_.erase(by_time_.begin()->second);
  by_time_.erase(by_time_.begin());
}

const DatedErrorState* ReturnedErrorWatch::find(std::uint64_t group) const noexcept {
  if (const auto changed = pending_.find(group); changed != pending_.end()) return &changed->second;
  const auto known = states_.find(group);
  return known == states_.end() ? nullptr : &known->second;
}

void ReturnedErrorWatch::limit(ReturnedError& error, std::int64_t now_ms) noexcept {
  if (now_ms - minute_begin_ms_ >= kMinuteMs) {
    minute_begin_ms_ = now_ms;
    called_ = 0;
  }
  error.calls_operator = called_ < kPerMinuteMax;
  if (!error.calls_operator) {
    ++suppressed_;
    return;
  }
  ++called_;
  error.suppressed = std::exchange(suppressed_, 0);
}

}  // namespace picortex
