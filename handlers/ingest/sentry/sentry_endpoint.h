#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/http/middleware/rate_limiter.h"
#include "handlers/ingest/sentry/sentry_decoder.h"
#include "handlers/pipeline/event_writer.h"

namespace picortex {

// POST /api/<project>/envelope/: envelopes of Sentry's SDKs. An error or a message becomes one log
// line and one event, whose ID is derived from Sentry's event_id, so that an event that is sent
// again is stored once; 200 once it is stored. Pages of any origin may call it, and the key of
// their DSN proves nothing: every page contains it.
class SentryEndpoint {
 public:
  static constexpr std::size_t kBodySizeMax = 1024 * 1024;
  static constexpr std::size_t kInflatedSizeMax = 2 * 1024 * 1024;  // once decompressed

  // References passed in must outlive this object. `limit_per_minute` limits envelopes for each
  // client; 0: no limit.
  SentryEndpoint(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
                 std::uint32_t limit_per_minute);

  void set_limit(std::uint32_t limit_per_minute) { limiter_.set_limit(limit_per_minute); }

  // Sets retention's age limit, for SentryTime.
  void set_retention_age(std::int64_t age_max_ms) noexcept { retention_age_ms_ = age_max_ms; }

  void post(http::Exchange& exchange) noexcept;
  // Answers a browser's question before it posts a page's request with headers of its own (CORS).
  void preflight(http::Exchange& exchange) noexcept;

 private:
  // One event while it is being stored.
  struct Report {
    explicit Report(SentryEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    SentryEndpoint& owner;
    http::Exchange* exchange = nullptr;
    SentryEvent sentry;
    Event event;
    std::string fields;
    Submission submission{Callback<StoreOutcome>::to<&Report::on_outcome>(*this)};
  };

  bool admit(http::Exchange& exchange, std::string& fields);
  std::optional<std::span<char>> plain_body(http::Exchange& exchange, std::string_view fields);
  void settle_time(Report& report, std::optional<std::int64_t> sent_at);
  void store(http::Exchange& exchange, Report& report);

  Reactor& reactor_;
  Log& log_;
  EventWriter& writer_;
  SentryDecoder decoder_;
  RateLimiter limiter_;
  std::int64_t retention_age_ms_ = 0;
  std::string inflated_;  // the body of the current request, if it was compressed
  ObjectPool<Report> reports_;
};

}  // namespace picortex
