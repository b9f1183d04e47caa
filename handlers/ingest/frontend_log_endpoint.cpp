#include "handlers/ingest/frontend_log_endpoint.h"

#include "handlers/http/middleware/media_type.h"

namespace picortex {
namespace {

constexpr std::string_view kEventType = "frontend";

}  // namespace

FrontendLogEndpoint::FrontendLogEndpoint(Reactor& reactor, Log& log, EventWriter& writer,
                                         JsonDocument& document, std::uint32_t limit_per_minute)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      decoder_(document),
      limiter_(limit_per_minute) {}

void FrontendLogEndpoint::post(http::Exchange& exchange) noexcept {
  Report& report = reports_.lend(*this);
  report.rate_fields.clear();
  if (!admit(exchange, report.rate_fields)) return reports_.give_back(report);
  if (auto decoded = decoder_.decode(exchange.body(), report.log); !decoded) {
    exchange.fail(400, decoded.error().what, report.rate_fields);
    return reports_.give_back(report);
  }
  const FrontendLog& log = report.log;
  log_.line(log.level, kEventType, {.request_id = &exchange.id()})
      .members(log.data)
      .message(log.message);
  if (!writer_.is_open_to(1)) {
    exchange.fail(503, "The report was logged, but cannot be stored now", report.rate_fields);
    return reports_.give_back(report);
  }
  report.exchange = &exchange;
  report.event = {.time_ms = reactor_.unix_ms(),
                  .level = log.level,
                  .event_type = kEventType,
                  .chat_id = {},
                  .msg = log.message,
                  .data = log.data,
                  .request_id = exchange.id(),
                  .id = std::nullopt};
  writer_.submit(report.submission, {&report.event, 1});
}

// Checks the media type and the rate; answers itself if one of them is wrong.
bool FrontendLogEndpoint::admit(http::Exchange& exchange, std::string& rate_fields) {
  const auto decision =
      limiter_.check(ClientKey(exchange.client()),
                     reactor_.now().time_since_epoch() / std::chrono::milliseconds(1));
  append_rate_fields(rate_fields, decision);
  if (!decision.allowed) {
    exchange.fail(429, "Rate limit exceeded, retry in 1 minute", rate_fields);
    return false;
  }
  const std::string_view type = exchange.request().field("content-type");
  if (!is_media_type(type, "application/json") && !is_media_type(type, "text/plain")) {
    exchange.fail(415, "Unsupported Media Type: application/json or text/plain is needed",
                  rate_fields);
    return false;
  }
  return true;
}

void FrontendLogEndpoint::Report::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    exchange->respond({.status = 204, .fields = rate_fields});
  } else {
    exchange->fail(503, "The report was logged, but cannot be stored now", rate_fields);
  }
  owner.reports_.give_back(*this);
}

}  // namespace picortex
