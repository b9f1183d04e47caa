#include "handlers/query/event_stream_endpoint.h"

#include <algorithm>
#include <utility>

#include "base/json/json_object.h"
#include "base/json/json_text.h"
#include "base/time/timestamp.h"
#include "handlers/query/query_parameters.h"

namespace picortex {
namespace {

// Unread bytes that a stream may have, plus one event.
constexpr std::size_t kUnsentMax = 64 * 1024;
// Events that one stream examines in one iteration.
constexpr int kEventsPerIteration = 512;
constexpr std::size_t kRowsPerSlice = 64;

}  // namespace

EventStreamEndpoint::EventStreamEndpoint(Reactor& reactor, EventFeed& feed, QueryRunner& runner,
                                         JsonDocument& document)
    : reactor_(reactor), feed_(feed), runner_(runner), json_(document), heartbeats_(kHeartbeat) {
  reactor_.add(heartbeats_);
  reactor_.add(IterationHook::to<&EventStreamEndpoint::on_iteration_end>(*this));
}

void EventStreamEndpoint::get(http::Exchange& exchange) noexcept {
  auto request = parse_stream_request(exchange.request().query);
  if (!request) return exchange.fail(400, request.error().what);
  // The header, which a client sends when it reconnects, is newer than its URL.
  std::string_view last_id = exchange.request().field("last-event-id");
  if (last_id.empty()) last_id = request->last_event_id;
  const auto resumed = parse_stream_position(last_id);
  if (!last_id.empty() && !resumed) {
    return exchange.fail(400, "Last-Event-ID is not the id of an event of this stream");
  }
  if (streams_.is_used_up()) {
    return exchange.fail(503, "Too many streams are open; try again later", "Retry-After: 5\r\n");
  }
  exchange.begin_stream(
      {.content_type = "text/event-stream; charset=utf-8", .fields = "X-Accel-Buffering: no\r\n"});
  if (exchange.request().method == http::Method::head) return exchange.end_stream();
  Stream& stream = streams_.lend(*this);
  stream.phase = Phase::starting;
  stream.exchange = &exchange;
  stream.matcher.emplace(std::move(request->filter));
  stream.resumed = resumed;
  feed_.add_listener();
  heartbeats_.start(stream.heartbeat, reactor_.now());
}

void EventStreamEndpoint::on_iteration_end() noexcept {
  if (streams() == 0) return;
  streams_.for_each([this](Stream& stream) {
    if (stream.phase != Phase::free) advance(stream);
  });
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
  stream.run = feed_.run();
  stream.next = feed_.next();
  stream.mark = feed_.mark();
  out_ = "retry: 2000\n\n";
  if (!stream.resumed) {
    stream.phase = Phase::live;
    return send_position(stream);
  }
  const StreamPosition& resumed = *stream.resumed;
  if (resumed.run != feed_.run() || resumed.number >= feed_.next()) {
    return catch_up_by_time(stream);
  }
  stream.mark = resumed.mark;
  if (resumed.number + 1 < feed_.first()) return catch_up(stream);
  stream.phase = Phase::live;
  stream.next = resumed.number + 1;
  flush(stream);
}

// From the database up to what the feed has.
void EventStreamEndpoint::catch_up(Stream& stream) {
  stream.phase = Phase::catching_up;
  flush(stream);
  auto query = std::make_unique<ArrivalQuery>(stream.matcher->filter(),
                                              static_cast<std::int64_t>(stream.resumed->number),
                                              static_cast<std::int64_t>(stream.next));
  stream.arrivals = query.get();
  stream.gone = 0;
  runner_.start(stream.query, std::move(query), {.rows_max = kRowsPerSlice});
}

void EventStreamEndpoint::catch_up_by_time(Stream& stream) {
  stream.phase = Phase::catching_up;
  const std::int64_t mark = stream.resumed->mark;
  out_ += "event: resync\ndata: ";
  JsonObject(out_).time("after", time_of(mark));
  out_ += "\n\n";
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
  if (stream.arrivals != nullptr) return send_arrived(stream);
  for (const EventRow& row : stream.query.rows()) {
    // Events since the stream began come from the feed.
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

void EventStreamEndpoint::send_arrived(Stream& stream) {
  ArrivalQuery& query = *stream.arrivals;
  if (query.gone() > stream.gone) {
    out_ += "event: expired\ndata: {\"events\":";
    append_json_number(out_, query.gone() - std::exchange(stream.gone, query.gone()));
    out_ += "}\n\n";
  }
  for (const EventRow& row : query.rows()) {
    stream.mark = std::max(stream.mark, std::min(row.key, feed_.mark()));
    append_event({stream.run, static_cast<std::uint64_t>(row.arrival), stream.mark}, row);
  }
  query.rows().clear();
  flush(stream);
  if (query.is_done()) {
    stream.arrivals = nullptr;
    runner_.end(stream.query);
    stream.phase = Phase::live;
    return send_position(stream);
  }
  if (stream.exchange->unsent_size() >= kUnsentMax) runner_.pause(stream.query);
}

void EventStreamEndpoint::send_fed(Stream& stream) {
  if (stream.run != feed_.run() || stream.next < feed_.first()) {
    out_ += "event: lagged\ndata: {\"message\":\"too slow: resume with the last id\"}\n\n";
    flush(stream);
    return end(stream);
  }
  int looked_at = 0;
  while (stream.next < feed_.next() && stream.exchange->unsent_size() + out_.size() < kUnsentMax) {
    if (looked_at++ == kEventsPerIteration) {
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
  // Unsent bytes keep the connection alive too.
  if (stream.exchange->unsent_size() > 0) return;
  out_ += ": heartbeat\n";
  // There may be no matching event for long; the reader's position must not fall back because of
  // that.
  if (stream.phase == Phase::live) return send_position(stream);
  out_ += '\n';
  flush(stream);
}

// An id without data updates the reader's Last-Event-ID and nothing else.
void EventStreamEndpoint::send_position(Stream& stream) {
  out_ += "id: ";
  append_stream_position(out_, {stream.run, stream.next - 1, stream.mark});
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
  stream.arrivals = nullptr;
  stream.phase = Phase::free;
  stream.matcher.reset();
  streams_.give_back(stream);
  feed_.remove_listener();
  std::exchange(stream.exchange, nullptr)->end_stream();
}

}  // namespace picortex
