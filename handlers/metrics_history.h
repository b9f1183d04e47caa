#pragma once

#include <string>

#include "handlers/event_writer.h"
#include "handlers/http/exchange.h"
#include "reactor/reactor.h"

namespace picortex {

// GET /api/metrics/history: what was counted in the last 24 hours, in steps of five minutes:
// {"from":…,"step_seconds":300,"turns":[288 numbers],"skipped":[…],"errors":[…]}, `from` being the
// first step's beginning in Unix seconds; the last step is the current one. From memory: it costs
// the database nothing.
class MetricsHistoryEndpoint {
 public:
  // What is passed by reference outlives this.
  MetricsHistoryEndpoint(Reactor& reactor, const EventWriter& writer);

  void get(http::Exchange& exchange) noexcept;

 private:
  void append_series(std::string_view name, std::int64_t first_minute,
                     std::int64_t MinuteCounts::*member);

  Reactor& reactor_;
  const EventWriter& writer_;
  std::string body_;
};

}  // namespace picortex
