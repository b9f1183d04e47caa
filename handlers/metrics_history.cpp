#include "handlers/metrics_history.h"

#include "base/json_text.h"

namespace picortex {
namespace {

constexpr std::int64_t kStepMinutes = 5;
constexpr std::int64_t kSteps = 24 * 60 / kStepMinutes;
constexpr std::int64_t kMinuteMs = 60'000;

}  // namespace

MetricsHistoryEndpoint::MetricsHistoryEndpoint(Reactor& reactor, const EventWriter& writer)
    : reactor_(reactor), writer_(writer) {}

void MetricsHistoryEndpoint::get(http::Exchange& exchange) noexcept {
  if (!writer_.is_available()) {
    return exchange.fail(503, "The database cannot be read now; try again later",
                         "Retry-After: 1\r\n");
  }
  const std::int64_t now_step = reactor_.unix_ms() / kMinuteMs / kStepMinutes;
  const std::int64_t first_minute = (now_step - kSteps + 1) * kStepMinutes;
  body_.clear();
  body_ += "{\"from\":";
  append_json_number(body_, first_minute * 60);
  body_ += ",\"step_seconds\":";
  append_json_number(body_, kStepMinutes * 60);
  append_series("turns", first_minute, &MinuteCounts::turns);
  append_series("skipped", first_minute, &MinuteCounts::skipped);
  append_series("errors", first_minute, &MinuteCounts::errors);
  body_ += '}';
  exchange.respond({.body = body_});
}

void MetricsHistoryEndpoint::append_series(std::string_view name, std::int64_t first_minute,
                                           std::int64_t MinuteCounts::*member) {
  body_ += ",\"";
  body_ += name;
  body_ += "\":[";
  for (std::int64_t step = 0; step < kSteps; ++step) {
    if (step > 0) body_ += ',';
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < kStepMinutes; ++i) {
      sum += writer_.counts_of(first_minute + step * kStepMinutes + i).*member;
    }
    append_json_number(body_, sum);
  }
  body_ += ']';
}

}  // namespace picortex
