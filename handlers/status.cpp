#include "handlers/status.h"

#include "base/json_text.h"

namespace picortex {
namespace {

// The members of one JSON object, written one after the other.
class Members {
 public:
  Members(std::string& out, std::string_view name) : out_(out) {
    if (out_.back() != '{') out_ += ',';
    append_json_string(out_, name);
    out_ += ":{";
  }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;
  ~Members() { out_ += '}'; }

  Members& count(std::string_view name, std::uint64_t value) {
    begin(name);
    append_json_number(out_, value);
    return *this;
  }

  Members& milliseconds(std::string_view name, Nanoseconds value) {
    begin(name);
    append_json_number(out_, static_cast<double>(value / std::chrono::microseconds(1)) / 1000);
    return *this;
  }

  Members& ratio(std::string_view name, std::uint64_t dividend, std::uint64_t divisor) {
    begin(name);
    const double ratio =
        divisor == 0 ? 0 : static_cast<double>(dividend) / static_cast<double>(divisor);
    append_json_number(out_, static_cast<double>(static_cast<std::int64_t>(ratio * 100)) / 100);
    return *this;
  }

  Members& truth(std::string_view name, bool value) {
    begin(name);
    out_ += value ? "true" : "false";
    return *this;
  }

 private:
  void begin(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
  }

  std::string& out_;
};

}  // namespace

StatusEndpoint::StatusEndpoint(Reactor& reactor, const http::Server& server,
                               const EventWriter& writer, const Output& output)
    : reactor_(reactor), server_(server), writer_(writer), output_(output) {}

void StatusEndpoint::get(http::Exchange& exchange) noexcept {
  body_.clear();
  body_ += '{';
  append_loop();
  append_http();
  append_storage();
  append_log();
  for (const StatusSection* section : sections_) section->append_status(body_);
  body_ += '}';
  exchange.respond({.body = body_});
}

void StatusEndpoint::append_loop() {
  const LoopFigures loop = reactor_.figures();
  Members(body_, "loop")
      .count("turns", loop.turns)
      .count("completions", loop.completions)
      .ratio("completions_per_turn", loop.completions, loop.turns)
      .milliseconds("longest_turn_ms", loop.longest_turn)
      .milliseconds("longest_turn_last_minute_ms", loop.longest_turn_last_minute);
}

void StatusEndpoint::append_http() {
  const http::ServerFigures http = server_.figures();
  Members(body_, "http")
      .count("connections", http.connections)
      .count("connections_idle", http.connections_idle)
      .count("accepted", http.accepted)
      .count("requests", http.requests)
      .count("evicted", http.evicted)
      .count("turned_away", http.turned_away)
      .count("accept_failures", http.accept_failures)
      .count("exchanges", http.exchanges)
      .count("body_bytes", http.body_bytes);
}

void StatusEndpoint::append_storage() {
  const WriterFigures storage = writer_.figures();
  Members(body_, "storage")
      .truth("available", writer_.is_available())
      .count("commits", storage.commits)
      .count("events", storage.events)
      .count("repeats", storage.repeats)
      .ratio("events_per_commit", storage.events, storage.commits)
      .count("events_waiting", storage.events_waiting)
      .count("checkpoints", storage.checkpoints)
      .count("wal_frames", static_cast<std::uint64_t>(storage.wal_frames))
      .count("faults", storage.faults)
      .count("forgotten", storage.forgotten)
      .count("size_bytes", static_cast<std::uint64_t>(storage.size))
      .truth("disk_is_low", writer_.disk_is_low())
      .milliseconds("time_in_store_ms", storage.time_in_store)
      .milliseconds("hold_p50_ms", storage.hold_p50)
      .milliseconds("hold_p99_ms", storage.hold_p99)
      .milliseconds("hold_p999_ms", storage.hold_p999)
      .milliseconds("longest_hold_ms", storage.longest_hold);
}

void StatusEndpoint::append_log() {
  Members(body_, "log")
      .count("lines_dropped", output_.lines_dropped())
      .count("bytes_waiting", output_.bytes_waiting());
}

}  // namespace picortex
