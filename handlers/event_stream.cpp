#include "handlers/event_stream.h"

#include <algorithm>
#include <utility>

#include "base/timestamp.h"
#include "handlers/query_parameters.h"

namespace picortex {
namespace {

// Bytes that may be on their way to one reader, and one event more.
constexpr std::size_t kUnsentMax = 64 * 1024;
// Events that one stream looks at in one turn.
constexpr int kEventsPerTurn = 512;
constexpr std::size_t kRowsPerSlice = 64;

}  // namespace

EventStreamEndpoint::EventStreamEndpoint(Reactor& reactor, EventFeed& feed, QueryRunner& runner,
                                         JsonDocument& document)
    : reactor_(reactor), feed_(feed), runner_(runner), json_(document), heartbeats_(kHeartbeat) {
  reactor_.add(heartbeats_);
  reactor_.add(TurnHook::to<&EventStreamEndpoint::on_turn_end>(*this));
  for (std::size_t i = 0; i < kStreamsMax; ++i) free_.push_back(&streams_.emplace_back(*this));
}

void EventStreamEndpoint::get(http::Exchange& exchange) noexcept {
  auto filter = parse_stream_request(exchange.request().query);
  if (!filter) return exchange.fail(400, filter.error().what);
  const std::string_view last_id = exchange.request().field("last-event-id");
  const auto resumed = parse_stream_position(last_id);
  if (!last_id.empty() && !resumed) {
    return exchange.fail(400, "Last-Event-ID is not the id of an event of this stream");
  }
  if (free_.empty()) {
    return exchange.fail(503, "Too many streams are open; try again later", "Retry-After: 5\r\n");
  }
  exchange.begin_stream(
      {.content_type = "text/event-stream; charset=utf-8", .fields = "X-Accel-Buffering: no\r\n"});
  if (exchange.request().method == http::Method::head) return exchange.end_stream();
  Stream& stream = *free_.back();
  free_.pop_back();
  stream.phase = Phase::starting;
  stream.exchange = &exchange;
  stream.matcher.emplace(std::move(*filter));
  stream.resumed = resumed;
  feed_.add_listener();
  heartbeats_.start(stream.heartbeat, reactor_.now());
}

void EventStreamEndpoint::on_turn_end() noexcept {
  if (streams() == 0) return;
  for (Stream& stream : streams_) {
    if (stream.phase != Phase::free) advance(stream);
  }
}

void EventStreamEndpoint::advance(Stream& stream) {
  if (!stream.exchange->may_stream()) return end(stream);
  if (stream.phase == Phase::starting && feed_.is_whole()) start(stream);
  if (stream.phase == Phase::catching_up && stream.exchange->unsent_size() < kUnsentMax) {
    runner_.resume(stream.query);
  }
  if (stream.phase == Phase::live) send_fed(stream);
}

void EventStreamEndpoint::start(Stream& stream) {
  stream.next = feed_.next();
  stream.mark = feed_.mark();
  out_ = "retry: 2000\n\n";
  if (!stream.resumed) {
    stream.phase = Phase::live;
    return send_position(stream);
  }
  const StreamPosition& resumed = *stream.resumed;
  if (resumed.run == feed_.run() && resumed.number < feed_.next() &&
      resumed.number + 1 >= feed_.first()) {
    stream.phase = Phase::live;
    stream.next = resumed.number + 1;
    stream.mark = resumed.mark;
    return flush(stream);
  }
  catch_up(stream);
}

void EventStreamEndpoint::catch_up(Stream& stream) {
  stream.phase = Phase::catching_up;
  const std::int64_t mark = stream.resumed->mark;
  out_ += "event: resync\ndata: {\"after\":\"";
  out_ += iso_time(std::min(time_of(mark), kLatestUnixMs));
  out_ += "\"}\n\n";
  flush(stream);
  EventFilter filter = stream.matcher->filter();
  filter.order = EventOrder::oldest_first;
  filter.until_ms = std::min(filter.until_ms, reactor_.unix_ms() + 1);
  runner_.start(stream.query, std::move(filter), mark, kRowsPerSlice);
}

void EventStreamEndpoint::send_found(Stream& stream) {
  if (stream.query.has_failed()) {
    out_ += "event: unavailable\ndata: {\"message\":\"the database cannot be read now\"}\n\n";
    flush(stream);
    return end(stream);
  }
  for (const EventRow& row : stream.query.rows()) {
    // What came since the stream began comes from the feed.
    if (!feed_.comes_at_or_behind(stream.next, row.key)) append_event({.mark = row.key}, row);
  }
  stream.query.rows().clear();
  flush(stream);
  if (stream.query.is_done()) {
    runner_.end(stream.query);
    stream.phase = Phase::live;
    return send_position(stream);
  }
  if (stream.exchange->unsent_size() >= kUnsentMax) runner_.pause(stream.query);
}

void EventStreamEndpoint::send_fed(Stream& stream) {
  if (stream.next < feed_.first()) {
    out_ += "event: lagged\ndata: {\"message\":\"too slow: go on with the last id\"}\n\n";
    flush(stream);
    return end(stream);
  }
  int looked_at = 0;
  while (stream.next < feed_.next() && stream.exchange->unsent_size() + out_.size() < kUnsentMax) {
    if (looked_at++ == kEventsPerTurn) {
      reactor_.turn_at_once();
      break;
    }
    const FedEvent& event = feed_.at(stream.next);
    if (stream.matcher->matches(event.row)) {
      append_event({feed_.run(), stream.next, event.mark}, event.row);
    }
    stream.mark = event.mark;
    ++stream.next;
  }
  flush(stream);
}

void EventStreamEndpoint::send_heartbeat(Stream& stream) {
  heartbeats_.start(stream.heartbeat, reactor_.now());
  // What is on its way is a sign of life too.
  if (stream.exchange->unsent_size() > 0) return;
  out_ += ": heartbeat\n";
  // Nothing that fits may come for long; the reader's place must not fall behind for that.
  if (stream.phase == Phase::live) return send_position(stream);
  out_ += '\n';
  flush(stream);
}

// An id without data moves the reader's Last-Event-ID, and no more.
void EventStreamEndpoint::send_position(Stream& stream) {
  out_ += "id: ";
  append_stream_position(out_, {feed_.run(), stream.next - 1, stream.mark});
  out_ += "\n\n";
  flush(stream);
}

void EventStreamEndpoint::append_event(const StreamPosition& position, const EventRow& row) {
  out_ += "id: ";
  append_stream_position(out_, position);
  out_ += "\ndata: ";
  json_.append(out_, row);
  out_ += "\n\n";
}

void EventStreamEndpoint::flush(Stream& stream) {
  stream.exchange->stream(out_);
  out_.clear();
}

void EventStreamEndpoint::end(Stream& stream) {
  if (!stream.query.is_idle()) runner_.end(stream.query);
  stream.heartbeat.stop();
  stream.phase = Phase::free;
  stream.matcher.reset();
  free_.push_back(&stream);
  feed_.remove_listener();
  std::exchange(stream.exchange, nullptr)->end_stream();
}

}  // namespace picortex
