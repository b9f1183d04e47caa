#pragma once

#include <string>

#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/http/middleware/rate_limiter.h"
#include "handlers/ingest/frontend_decoder.h"
#include "handlers/pipeline/event_writer.h"

namespace picortex {

// POST /api/frontend-log: an error that a web page met. One log line and one event, both with the
// request's ID; 204 once the event is stored.
class FrontendLogEndpoint {
 public:
  // References passed in must outlive this object. `limit_per_minute` is for each client; 0: no
  // limit.
  FrontendLogEndpoint(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
                      std::uint32_t limit_per_minute);

  void set_limit(std::uint32_t limit_per_minute) { limiter_.set_limit(limit_per_minute); }

  void post(http::Exchange& exchange) noexcept;

 private:
  // One report while it is being stored.
  struct Report {
    explicit Report(FrontendLogEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    FrontendLogEndpoint& owner;
    http::Exchange* exchange = nullptr;
    FrontendLog log;
    Event event;
    std::string rate_fields;
    Submission submission{Callback<StoreOutcome>::to<&Report::on_outcome>(*this)};
  };

  bool admit(http::Exchange& exchange, std::string& rate_fields);

  Reactor& reactor_;
  Log& log_;
  EventWriter& writer_;
  FrontendDecoder decoder_;
  RateLimiter limiter_;
  ObjectPool<Report> reports_;
};

}  // namespace picortex
