#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "handlers/pipeline/event_observer.h"
#include "reactor/reactor.h"
#include "storage/event.h"
#include "storage/event_id.h"
#include "storage/query/event_reader.h"

namespace picortex {

// An event as kept by the feed.
struct FedEvent {
  EventRow row;
  std::int64_t mark;  // EventFeed::mark() after this event

  std::size_t size() const noexcept;
};

// The events in the order of their arrival, from the moment at which they count as stored, each
// with the number that the store gave it (storage/index/arrival_log.h). The last ones stay in
// memory, so that a stream can go on where it was without asking the database; while no client
// listens, and has not for a while, none are kept and they cost nothing.
//
// Another database, such as a backup that was restored, has numbers of another run. For that case
// there is the mark: the largest key so far, where an event of a time to come counts as one of now.
// What was stored under a larger key than a mark came after it.
class EventFeed {
 public:
  static constexpr std::size_t kEventsMax = 16'384;
  static constexpr std::size_t kBytesMax = 8 * 1024 * 1024;
  static constexpr std::chrono::seconds kKeptWithoutListeners{60};

  explicit EventFeed(Reactor& reactor);
  ~EventFeed();

  // For the writer. append(): an event is in the open transaction. commit(): all such are stored.
  // rollback(): none will be.
  void append(const Event& event, const EventPlace& place);
  void publish();
  void discard() noexcept;

  // The store has been opened: its next event has this number of that run. If these are not the
  // ones that the feed expects, what it has kept goes.
  void follow(std::uint64_t run, std::uint64_t next);

  // The store has been opened, and says this of turns and of groups of errors.
  void note_opened(const TurnsSoFar& turns, const ErrorStates& errors);

  // Drops the events that are kept in memory: readers continue from the database.
  void drop_kept() noexcept;

  // `observer` sees each event too. It must outlive this object.
  void add(EventObserver& observer) { observers_.push_back(&observer); }

  // Keeps events while there is at least one listener.
  void add_listener();
  void remove_listener();

  // Names the numbers' order among those of other databases.
  std::uint64_t run() const noexcept { return run_; }
  // False while events are pending that were not kept, for a moment after the first add_listener().
  bool is_whole() const noexcept { return pending_ == pending_events_.size(); }
  // The numbers of the first kept event, and of the next one to arrive.
  std::uint64_t first() const noexcept { return next_ - events_.size(); }
  std::uint64_t next() const noexcept { return next_; }
  const FedEvent& at(std::uint64_t number) const noexcept { return events_[number - first()]; }
  std::int64_t mark() const noexcept { return mark_; }
  // Returns whether an event with that key is pending, or arrived as `number` or later.
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
  std::deque<FedEvent> pending_events_;  // the kept ones among the pending events
  std::size_t pending_ = 0;
  std::int64_t pending_mark_ = 0;
  std::size_t listeners_ = 0;
  std::vector<EventObserver*> observers_;
  DeadlineList silences_;
  Deadline silence_ = Deadline::to<&EventFeed::on_nobody_listens>(*this);
};

}  // namespace picortex
