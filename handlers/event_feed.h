#pragma once

#include <cstdint>
#include <deque>

#include "handlers/alert_watch.h"
#include "reactor/reactor.h"
#include "storage/event.h"
#include "storage/event_id.h"
#include "storage/event_reader.h"

namespace picortex {

// An event as the feed keeps it.
struct FedEvent {
  EventRow row;
  std::int64_t mark;  // EventFeed::mark() behind this event

  std::size_t size() const noexcept;
};

// The events in the order of their arrival, each with a number, from the moment at which they count
// as stored. (The database knows only the order of their times, which clients may choose.) The last
// ones stay in memory, so that a stream can go on where it was, and a slow one be found to be slow;
// while nobody listens, and has not for a while, none are kept and they cost nothing.
//
// Behind a restart the numbers begin anew. For that case there is the mark: the largest key so far,
// where an event of a time to come counts as one of now. What was stored under a larger key than a
// mark came behind it.
class EventFeed {
 public:
  static constexpr std::size_t kEventsMax = 16'384;
  static constexpr std::size_t kBytesMax = 8 * 1024 * 1024;
  static constexpr std::chrono::seconds kKeptWithoutListeners{60};

  explicit EventFeed(Reactor& reactor);
  ~EventFeed();

  // For the writer: an event is in the open transaction; all such are stored; none will be.
  void append(const Event& event, const EventPlace& place);
  void publish();
  void discard() noexcept;

  // Who is told of each event too. `watch` outlives this.
  void watch(AlertWatch& watch) noexcept { watch_ = &watch; }

  // While there is at least one listener events are kept.
  void add_listener();
  void remove_listener();

  // Numbers this run of the daemon among others.
  std::uint64_t run() const noexcept { return run_; }
  // False while events are on their way that were not kept, for a moment behind the first
  // add_listener().
  bool is_whole() const noexcept { return pending_ == pending_events_.size(); }
  // The numbers of the first event that is kept, and of the next one to come.
  std::uint64_t first() const noexcept { return next_ - events_.size(); }
  std::uint64_t next() const noexcept { return next_; }
  const FedEvent& at(std::uint64_t number) const noexcept { return events_[number - first()]; }
  std::int64_t mark() const noexcept { return mark_; }
  // Whether an event of that key is on its way, or came as `number` or behind it.
  bool comes_at_or_behind(std::uint64_t number, std::int64_t key) const noexcept;

 private:
  std::int64_t mark_behind(std::int64_t key) const noexcept;
  void on_nobody_listens() noexcept;

  Reactor& reactor_;
  std::uint64_t run_;
  std::uint64_t next_ = 1;
  std::int64_t mark_;
  std::deque<FedEvent> events_;
  std::size_t bytes_ = 0;
  std::deque<FedEvent> pending_events_;  // those of the pending that are kept
  std::size_t pending_ = 0;
  std::int64_t pending_mark_ = 0;
  std::size_t listeners_ = 0;
  AlertWatch* watch_ = nullptr;
  DeadlineList silences_;
  Deadline silence_ = Deadline::to<&EventFeed::on_nobody_listens>(*this);
};

}  // namespace picortex
