#pragma once

#include <deque>
#include <string>
#include <vector>

#include "handlers/event_writer.h"
#include "handlers/frontend_decoder.h"
#include "handlers/http/exchange.h"
#include "handlers/rate_limiter.h"

namespace picortex {

// POST /api/frontend-log: an error that a page met. One line in the log and one event, both under
// the request's ID; 204 once it is stored.
class FrontendLogEndpoint {
 public:
  // What is passed by reference outlives this. `limit_per_minute`: for each client; 0: none.
  FrontendLogEndpoint(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
                      std::uint32_t limit_per_minute);

  void set_limit(std::uint32_t limit_per_minute) { limiter_.set_limit(limit_per_minute); }

  void post(http::Exchange& exchange) noexcept;

 private:
  // One report on its way into the store.
  struct Report {
    explicit Report(FrontendLogEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    FrontendLogEndpoint& owner;
    http::Exchange* exchange = nullptr;
    FrontendLog log;
    Event event;
    std::string rate_fields;
    Submission submission = Submission::to<&Report::on_outcome>(*this);
  };

  Report& lease();
  void give_back(Report& report) { free_.push_back(&report); }
  bool admit(http::Exchange& exchange, std::string& rate_fields);

  Reactor& reactor_;
  Log& log_;
  EventWriter& writer_;
  FrontendDecoder decoder_;
  RateLimiter limiter_;
  std::deque<Report> reports_;
  std::vector<Report*> free_;
};

}  // namespace picortex
