#pragma once

#include <optional>
#include <string>

#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/pipeline/event_feed.h"
#include "handlers/query/event_json.h"
#include "handlers/query/query_runner.h"
#include "handlers/query/stream_position.h"
#include "storage/query/arrival_query.h"
#include "storage/query/event_matcher.h"

namespace picortex {

// GET /api/events/stream: the matching events, as they arrive, as server-sent events (WHATWG HTML,
// section 9.2), in the order of their arrival. Their ids are positions (stream_position.h); with
// one in Last-Event-ID, or in the parameter lastEventId, which substitutes of EventSource send, the
// stream continues after it:
//
// - With the same database, also after a restart: no gap, nothing twice. What the feed has no more
//   follows from the database in the order of arrival. `event: expired` says how many of these
//   events have been deleted.
// - With another one, such as a backup that was restored: `event: resync` says so, with the time
//   after which the events follow, and then those that come.
//
// Events that a reader has not read are not buffered for it: it has a position in the feed, and 64
// KiB in transit. When the feed has discarded the next event, `event: lagged` ends the stream.
class EventStreamEndpoint {
 public:
  static constexpr std::size_t kStreamsMax = 64;  // beyond it 503
  static constexpr std::chrono::seconds kHeartbeat{15};

  // References passed in must outlive this object.
  EventStreamEndpoint(Reactor& reactor, EventFeed& feed, QueryRunner& runner,
                      JsonDocument& document);

  void get(http::Exchange& exchange) noexcept;

  std::size_t streams() const noexcept { return streams_.lent(); }

 private:
  enum class Phase {
    free,
    starting,     // until the feed is whole
    catching_up,  // from the database
    live,
  };

  struct Stream {
    explicit Stream(EventStreamEndpoint& endpoint) : owner(endpoint) {}
    void on_slice() noexcept { owner.send_found(*this); }
    void on_heartbeat() noexcept { owner.send_heartbeat(*this); }

    EventStreamEndpoint& owner;
    Phase phase = Phase::free;
    http::Exchange* exchange = nullptr;
    std::optional<EventMatcher> matcher;
    std::optional<StreamPosition> resumed;
    std::uint64_t run = 0;             // that `next` is a number of
    ArrivalQuery* arrivals = nullptr;  // what `query` runs while it goes by these
    std::int64_t gone = 0;             // of these events, as far as it has been said
    std::uint64_t next = 0;            // the number of the event that is next in the feed
    std::int64_t mark = 0;             // the feed's, before that event
    RunningQuery query{Callback<>::to<&Stream::on_slice>(*this)};
    Deadline heartbeat = Deadline::to<&Stream::on_heartbeat>(*this);
  };

  void on_iteration_end() noexcept;
  void advance(Stream& stream);
  void start(Stream& stream);
  void catch_up(Stream& stream);
  void catch_up_by_time(Stream& stream);
  void send_arrived(Stream& stream);
  void send_found(Stream& stream);
  void send_fed(Stream& stream);
  void send_heartbeat(Stream& stream);
  void send_position(Stream& stream);
  void append_event(const StreamPosition& position, const EventRow& row);
  void flush(Stream& stream);
  void end(Stream& stream);

  Reactor& reactor_;
  EventFeed& feed_;
  QueryRunner& runner_;
  EventJson json_;
  std::string out_;
  ObjectPool<Stream> streams_{kStreamsMax};
  DeadlineList heartbeats_;
};

}  // namespace picortex
