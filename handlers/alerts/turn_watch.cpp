#include "handlers/alerts/turn_watch.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/time/durations.h"

namespace picortex {
namespace {

constexpr std::size_t kTextSizeMax = 512;
// More alerts than could be reported are only counted.
constexpr std::size_t kDueMax = 1024;

bool is_at_work(TurnState state) noexcept {
  return state == TurnState::running || state == TurnState::waiting;
}

}  // namespace

void TurnWatch::on_opened(const TurnsSoFar& turns) noexcept {
  expects_prompts_ = expects_prompts_ || turns.has_submissions;
}

void TurnWatch::append(const Event& event) noexcept {
  Sign sign{.request_id = event.request_id,
            .chat_id = std::string(event.chat_id),
            .time_ms = event.time_ms,
            .text = {}};
  if (const TurnNote* note = event.turn; note != nullptr) {
    sign.session = note->session;
    sign.state = note->state;
    sign.is_submission = note->is_submission && !note->is_synthetic;
    if (note->state == TurnState::waiting || note->state == TurnState::failed) {
      sign.text = cut_to(event.msg, kTextSizeMax);
    }
  } else if (event.event_type.ends_with(".inbound") && !event.chat_id.empty()) {
    sign.kind = Sign::Kind::message;
  } else if (event.decision_skip || event.event_type == "child.start") {
    sign.kind = Sign::Kind::end_of_message;
  } else {
    return;
  }
  pending_.push_back(std::move(sign));
}

void TurnWatch::publish(const ClockReading& now) noexcept {
  for (Sign& sign : pending_) take(sign, now);
  pending_.clear();
}

void TurnWatch::take(Sign& sign, const ClockReading& now) {
  if (sign.kind == Sign::Kind::telemetry) return take_telemetry(sign, now);
  if (sign.kind == Sign::Kind::end_of_message) return drop_message(sign.request_id);
  if (sign.time_ms < now.unix_ms - kFreshMs) return;
  if (messages_.size() == kMessagesMax) messages_.pop_front();
  messages_.push_back({sign.request_id, std::move(sign.chat_id), now.monotonic_ms()});
}

void TurnWatch::take_telemetry(Sign& sign, const ClockReading& now) {
  drop_message(sign.request_id);
  expects_prompts_ = expects_prompts_ || sign.is_submission;
  if (sign.state == TurnState::none) return;
  Followed& turn = follow(sign, now.monotonic_ms());
  // As the table of turns does: of two states at the same moment the one that says more counts.
  const bool is_later = std::pair(sign.time_ms, sign.state) > std::pair(turn.state_ms, turn.state);
  if (is_later) {
    if (turn.state != sign.state) turn.is_question_reported = false;
    turn.state = sign.state;
    turn.state_ms = sign.time_ms;
    turn.text = std::move(sign.text);
    turn.is_fresh = sign.time_ms >= now.unix_ms - kFreshMs;
  }
  if (sign.is_submission) interrupt_others(turn);
  if (turn.state != TurnState::failed || !turn.is_fresh || turn.is_failure_reported) return;
  turn.is_failure_reported = true;
  if (due_.size() == kDueMax) return;
  due_.push_back({TurnAlert::Kind::failed, turn.request_id, turn.chat_id, turn.text});
}

TurnWatch::Followed& TurnWatch::follow(const Sign& sign, std::int64_t now_ms) {
  const auto [entry, is_new] = by_request_.try_emplace(sign.request_id);
  if (is_new) {
    turns_.push_back({.request_id = sign.request_id, .chat_id = {}, .text = {}});
    entry->second = std::prev(turns_.end());
    if (turns_.size() > kTurnsMax) {
      by_request_.erase(turns_.front().request_id);
      turns_.pop_front();
    }
  } else {
    turns_.splice(turns_.end(), turns_, entry->second);
  }
  Followed& turn = turns_.back();
  turn.seen_ms = now_ms;
  if (turn.chat_id.empty()) turn.chat_id = sign.chat_id;
  if (turn.session.is_nil()) turn.session = sign.session;
  return turn;
}

// The session's next prompt ends those turns that nothing else has ended.
void TurnWatch::interrupt_others(const Followed& turn) {
  if (turn.session.is_nil()) return;
  for (Followed& other : turns_) {
    const bool is_ended = &other != &turn && other.session == turn.session &&
                          is_at_work(other.state) && other.state_ms < turn.state_ms;
    if (is_ended) other.state = TurnState::interrupted;
  }
}

void TurnWatch::drop_message(const Uuid& request_id) {
  std::erase_if(messages_, [&](const Message& each) { return each.request_id == request_id; });
}

void TurnWatch::find_waiting() {
  for (Followed& turn : turns_) {
    if (turn.state != TurnState::waiting || !turn.is_fresh || turn.is_question_reported) continue;
    turn.is_question_reported = true;
    due_.push_back({TurnAlert::Kind::waiting, turn.request_id, turn.chat_id, turn.text});
  }
}

std::set<std::string_view> TurnWatch::busy_chats(std::int64_t now_ms) const {
  std::set<std::string_view> busy;
  for (const Followed& turn : turns_) {
    if (is_at_work(turn.state) && now_ms - turn.seen_ms < kBusyMaxMs) busy.insert(turn.chat_id);
  }
  return busy;
}

void TurnWatch::find_lost(std::int64_t now_ms) {
  if (messages_.empty()) return;
  const auto busy = busy_chats(now_ms);
  std::erase_if(messages_, [&](Message& message) {
    // The client hands a prompt over once it has finished the one before.
    if (busy.contains(message.chat_id)) message.since_ms = now_ms;
    if (now_ms - message.since_ms < kLostAfterMs) return false;
    if (expects_prompts_) {
      due_.push_back({TurnAlert::Kind::lost, message.request_id, message.chat_id, {}});
    }
    return true;
  });
}

// An agent's claims could make any number of alerts.
bool TurnWatch::may_report(TurnAlert& alert, std::int64_t now_ms) {
  Rate& rate = rates_[static_cast<std::size_t>(alert.kind)];
  if (now_ms - rate.begin_ms >= kMinuteMs) {
    rate.begin_ms = now_ms;
    rate.reported = 0;
  }
  if (rate.reported == kPerMinuteMax) {
    ++rate.suppressed;
    return false;
  }
  ++rate.reported;
  alert.suppressed = std::exchange(rate.suppressed, 0);
  return true;
}

}  // namespace picortex
