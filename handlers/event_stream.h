#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "handlers/event_feed.h"
#include "handlers/event_json.h"
#include "handlers/http/exchange.h"
#include "handlers/query_runner.h"
#include "handlers/stream_position.h"
#include "storage/event_matcher.h"

namespace picortex {

// GET /api/events/stream: the events that fit, as they come, as server-sent events (WHATWG HTML,
// section 9.2), in the order of their arrival. Their ids are positions (stream_position.h); with
// one in Last-Event-ID the stream goes on behind it:
//
// - In the same run, while the feed still has what came since: no gap, nothing twice.
// - Else `event: resync` says so, with the time behind which the events follow from the database,
//   and then those that come: nothing twice, and no gap among events whose time is behind it. One
//   that came meanwhile with an earlier time is not sent, and one sent before its own time had
//   come may come again.
//
// What a reader has not read is not gathered for it: it has a place in the feed, and 64 KiB on
// their way. When the feed has thrown away what is next, `event: lagged` ends the stream.
class EventStreamEndpoint {
 public:
  static constexpr std::size_t kStreamsMax = 64;  // beyond it 503
  static constexpr std::chrono::seconds kHeartbeat{15};

  // What is passed by reference outlives this.
  EventStreamEndpoint(Reactor& reactor, EventFeed& feed, QueryRunner& runner,
                      JsonDocument& document);

  void get(http::Exchange& exchange) noexcept;

  std::size_t streams() const noexcept { return kStreamsMax - free_.size(); }

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
    std::uint64_t next = 0;  // the number of the event that is next in the feed
    std::int64_t mark = 0;   // the feed's, before that event
    RunningQuery query = RunningQuery::to<&Stream::on_slice>(*this);
    Deadline heartbeat = Deadline::to<&Stream::on_heartbeat>(*this);
  };

  void on_turn_end() noexcept;
  void advance(Stream& stream);
  void start(Stream& stream);
  void catch_up(Stream& stream);
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
  std::deque<Stream> streams_;
  std::vector<Stream*> free_;
  DeadlineList heartbeats_;
};

}  // namespace picortex
