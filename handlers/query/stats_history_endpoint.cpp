#include "handlers/query/stats_history_endpoint.h"

#include "base/time/durations.h"
#include "handlers/query/query_parameters.h"

namespace picortex {
namespace {

constexpr std::int64_t kStepMinutes = 5;
constexpr std::int64_t kSteps = 24 * 60 / kStepMinutes;

}  // namespace

StatsHistoryEndpoint::StatsHistoryEndpoint(Reactor& reactor, const EventWriter& writer)
    : reactor_(reactor), writer_(writer) {}

void StatsHistoryEndpoint::get(http::Exchange& exchange) noexcept {
  if (const auto none = reject_parameters(exchange.request().query); !none) {
    return exchange.fail(400, none.error().what);
  }
  if (!writer_.is_available()) {
    return exchange.fail(503, "The database cannot be read now; try again later",
                         "Retry-After: 1\r\n");
  }
  const std::int64_t now_step = reactor_.unix_ms() / kMinuteMs / kStepMinutes;
  const std::int64_t first_minute = (now_step - kSteps + 1) * kStepMinutes;
  body_.clear();
  {
    JsonObject history(body_);
    history.number("from", first_minute * 60).number("step_seconds", kStepMinutes * 60);
    append_series(history.array("turns"), first_minute, &MinuteCounts::turns);
    append_series(history.array("skipped"), first_minute, &MinuteCounts::skipped);
    append_series(history.array("errors"), first_minute, &MinuteCounts::errors);
  }
  exchange.respond({.body = body_});
}

void StatsHistoryEndpoint::append_series(JsonArray series, std::int64_t first_minute,
                                         std::int64_t MinuteCounts::*member) const {
  for (std::int64_t step = 0; step < kSteps; ++step) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < kStepMinutes; ++i) {
      sum += writer_.counts_of(first_minute + step * kStepMinutes + i).*member;
    }
    series.number(sum);
  }
}

}  // namespace picortex
