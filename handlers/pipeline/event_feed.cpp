#include "handlers/pipeline/event_feed.h"

#include <algorithm>
#include <utility>

#include "base/uuid/random_pool.h"

namespace picortex {

std::size_t FedEvent::size() const noexcept {
  return sizeof *this + row.event_type.size() + row.chat_id.size() + row.msg.size() +
         row.data.size();
}

EventFeed::EventFeed(Reactor& reactor)
    : reactor_(reactor),
      run_(RandomPool().next()),
      mark_(first_key_of(reactor.unix_ms()) - 1),
      silences_(kKeptWithoutListeners) {
  reactor_.add(silences_);
}

EventFeed::~EventFeed() = default;

std::int64_t EventFeed::mark_behind(std::int64_t key) const noexcept {
  return std::min(key, first_key_of(reactor_.unix_ms() + 1) - 1);
}

void EventFeed::append(const Event& event, const EventPlace& place) {
  Event seen = event;
  if (!seen.id) seen.id = event_id(place);
  for (EventObserver* observer : observers_) observer->append(seen);
  ++pending_;
  pending_mark_ = std::max(pending_mark_, mark_behind(place.key));
  if (listeners_ == 0 && !silence_.is_running()) return;
  pending_events_.push_back({.row = {.key = place.key,
                                     .id = *seen.id,
                                     .time_ms = event.time_ms,
                                     .level = event.level,
                                     .event_type = std::string(event.event_type),
                                     .request_id = event.request_id,
                                     .chat_id = std::string(event.chat_id),
                                     .msg = std::string(event.msg),
                                     .data = std::string(event.data)},
                             .mark = pending_mark_});
}

void EventFeed::publish() {
  const ClockReading now{reactor_.now(), reactor_.unix_ms()};
  for (EventObserver* observer : observers_) observer->publish(now);
  next_ += pending_;
  // The kept events have no gaps: an event is found by its number.
  if (!is_whole()) {
    pending_events_.clear();
    events_.clear();
    bytes_ = 0;
  }
  for (FedEvent& event : pending_events_) {
    event.mark = std::max(event.mark, mark_);
    bytes_ += event.size();
    events_.push_back(std::move(event));
  }
  mark_ = std::max(mark_, pending_mark_);
  discard();
  while (events_.size() > kEventsMax || bytes_ > kBytesMax) {
    bytes_ -= events_.front().size();
    events_.pop_front();
  }
}

void EventFeed::discard() noexcept {
  for (EventObserver* observer : observers_) observer->discard();
  pending_events_.clear();
  pending_ = 0;
  pending_mark_ = 0;
}

void EventFeed::note_opened(const TurnsSoFar& turns, const ErrorStates& errors) {
  for (EventObserver* observer : observers_) {
    observer->on_opened(turns);
    observer->on_error_states(errors);
  }
}

void EventFeed::follow(std::uint64_t run, std::uint64_t next) {
  if (run == run_ && next == next_) return;
  run_ = run;
  next_ = next;
  drop_kept();
}

void EventFeed::drop_kept() noexcept {
  events_.clear();
  bytes_ = 0;
}

void EventFeed::add_listener() {
  ++listeners_;
  silence_.stop();
}

void EventFeed::remove_listener() {
  if (--listeners_ == 0) silences_.start(silence_, reactor_.now());
}

void EventFeed::on_nobody_listens() noexcept {
  std::exchange(events_, {});
  bytes_ = 0;
}

bool EventFeed::comes_at_or_behind(std::uint64_t number, std::int64_t key) const noexcept {
  const auto is_it = [key](const FedEvent& event) { return event.row.key == key; };
  if (std::ranges::any_of(pending_events_, is_it)) return true;
  const auto skipped = number > first() ? static_cast<std::ptrdiff_t>(number - first()) : 0;
  return std::any_of(events_.begin() + skipped, events_.end(), is_it);
}

}  // namespace picortex
