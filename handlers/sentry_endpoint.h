#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "handlers/event_writer.h"
#include "handlers/http/exchange.h"
#include "handlers/rate_limiter.h"
#include "handlers/sentry_decoder.h"

namespace picortex {

// POST /api/<project>/envelope/: what Sentry's SDKs send. An error or a message becomes one line in
// the log and one event, whose id follows from Sentry's event_id, so that one that is sent again is
// stored once; 200 once it is stored. Pages of any origin may call it, and the key of their DSN
// proves nothing: it stands in every page.
class SentryEndpoint {
 public:
  static constexpr std::size_t kBodySizeMax = 1024 * 1024;
  static constexpr std::size_t kInflatedSizeMax = 2 * 1024 * 1024;

  // What is passed by reference outlives this. `limit_per_minute`: of envelopes, for each client;
  // 0: none.
  SentryEndpoint(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
                 std::uint32_t limit_per_minute);

  void set_limit(std::uint32_t limit_per_minute) { limiter_.set_limit(limit_per_minute); }

  void post(http::Exchange& exchange) noexcept;
  // What a browser asks before it posts a page's request with headers of its own (CORS).
  void preflight(http::Exchange& exchange) noexcept;

 private:
  // One event on its way into the store.
  struct Report {
    explicit Report(SentryEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    SentryEndpoint& owner;
    http::Exchange* exchange = nullptr;
    SentryEvent sentry;
    Event event;
    std::string fields;
    Submission submission = Submission::to<&Report::on_outcome>(*this);
  };

  Report& lease();
  void give_back(Report& report) { free_.push_back(&report); }
  bool admit(http::Exchange& exchange, std::string& fields);
  std::optional<std::span<char>> plain_body(http::Exchange& exchange, std::string_view fields);
  void store(http::Exchange& exchange, Report& report);

  Reactor& reactor_;
  Log& log_;
  EventWriter& writer_;
  SentryDecoder decoder_;
  RateLimiter limiter_;
  std::string inflated_;  // the body of the request in hand, where it came compressed
  std::deque<Report> reports_;
  std::vector<Report*> free_;
};

}  // namespace picortex
