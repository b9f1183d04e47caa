#include "handlers/ops/status_endpoint.h"

#include <cstring>

namespace picortex {
namespace {

// To the microsecond.
double milliseconds(Nanoseconds time) {
  return static_cast<double>(time / std::chrono::microseconds(1)) / 1000;
}

// To the hundredth.
double ratio(std::uint64_t dividend, std::uint64_t divisor) {
  if (divisor == 0) return 0;
  const double quotient = static_cast<double>(dividend) / static_cast<double>(divisor);
  return static_cast<double>(static_cast<std::int64_t>(quotient * 100)) / 100;
}

}  // namespace

StatusEndpoint::StatusEndpoint(Reactor& reactor, const http::Server& server,
                               const EventWriter& writer, const Output& output)
    : reactor_(reactor), server_(server), writer_(writer), output_(output) {}

void StatusEndpoint::get(http::Exchange& exchange) noexcept {
  body_.clear();
  {
    JsonObject status(body_);
    append_loop(status.object("loop"));
    append_http(status.object("http"));
    append_storage(status.object("storage"));
    append_log(status.object("log"));
    for (const StatusSection* section : sections_) section->append_status(status);
  }
  exchange.respond({.body = body_});
}

void StatusEndpoint::append_loop(JsonObject loop) {
  const LoopStats stats = reactor_.stats();
  loop.number("iterations", stats.iterations)
      .number("turns", stats.iterations)  // the name of earlier versions, which monitors read
      .number("completions", stats.completions)
      .number("completions_per_iteration", ratio(stats.completions, stats.iterations))
      .number("longest_iteration_ms", milliseconds(stats.longest_iteration))
      .number("longest_iteration_last_minute_ms",
              milliseconds(stats.longest_iteration_last_minute));
}

void StatusEndpoint::append_http(JsonObject http) {
  const http::ServerStats stats = server_.stats();
  http.number("connections", stats.connections)
      .number("connections_idle", stats.connections_idle)
      .number("accepted", stats.accepted)
      .number("requests", stats.requests)
      .number("evicted", stats.evicted)
      .number("turned_away", stats.turned_away)
      .number("accept_failures", stats.accept_failures)
      .number("exchanges", stats.exchanges)
      .number("body_bytes", stats.body_bytes)
      .number("answer_bytes", stats.answer_bytes)
      .number("input_bytes", stats.input_bytes);
}

void StatusEndpoint::append_storage(JsonObject storage) {
  const WriterStats stats = writer_.stats();
  storage.boolean("available", writer_.is_available())
      .number("commits", stats.commits)
      .number("events", stats.events)
      .number("duplicates", stats.duplicates)
      .number("events_per_commit", ratio(stats.events, stats.commits))
      .number("events_waiting", stats.events_waiting)
      .number("checkpoints", stats.checkpoints)
      .number("wal_frames", stats.wal_frames)
      .number("faults", stats.faults)
      .number("pruned", stats.pruned)
      .number("size_bytes", stats.size)
      .number("used_bytes", stats.size_used)
      .number("log_bytes", stats.log_size)
      .boolean("log_is_held", writer_.log_is_held())
      .boolean("disk_is_low", writer_.disk_is_low())
      .boolean("deletion_waits", stats.deletion_waits)
      .number("time_in_store_ms", milliseconds(stats.time_in_store))
      .number("job_p50_ms", milliseconds(stats.job_p50))
      .number("job_p99_ms", milliseconds(stats.job_p99))
      .number("job_p999_ms", milliseconds(stats.job_p999))
      .number("longest_job_ms", milliseconds(stats.longest_job))
      .number("blocking_p50_ms", milliseconds(stats.blocking_p50))
      .number("blocking_p99_ms", milliseconds(stats.blocking_p99))
      .number("blocking_p999_ms", milliseconds(stats.blocking_p999))
      .number("longest_blocking_ms", milliseconds(stats.longest_blocking))
      .number("longest_hold_ms", milliseconds(stats.longest_blocking));  // as with `turns`
}

void StatusEndpoint::append_log(JsonObject log) {
  log.boolean("writable", !output_.is_failing())
      .text("error", output_.is_failing() ? std::strerror(output_.last_error()) : "")
      .number("errors", output_.errors())
      .number("lines_dropped", output_.lines_dropped())
      .number("bytes_waiting", output_.bytes_waiting());
}

}  // namespace picortex
