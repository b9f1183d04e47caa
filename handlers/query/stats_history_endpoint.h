#pragma once

#include <string>

#include "base/json/json_object.h"
#include "handlers/http/exchange.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/reactor.h"

namespace picortex {

// GET /api/metrics/history: the counts of the last 24 hours, in steps of five minutes:
// {"from":…,"step_seconds":300,"turns":[288 numbers],"skipped":[…],"errors":[…]}, where `from` is
// the beginning of the first step in Unix seconds and the last step is the current one. Answered
// from memory, without the database. It takes no parameters: 400 for any.
class StatsHistoryEndpoint {
 public:
  // References passed in must outlive this object.
  StatsHistoryEndpoint(Reactor& reactor, const EventWriter& writer);

  void get(http::Exchange& exchange) noexcept;

 private:
  void append_series(JsonArray series, std::int64_t first_minute,
                     std::int64_t MinuteCounts::*member) const;

  Reactor& reactor_;
  const EventWriter& writer_;
  std::string body_;
};

}  // namespace picortex
