#include "handlers/ingest/sentry/sentry_endpoint.h"

#include <cerrno>

#include "base/json/json_object.h"
#include "handlers/http/middleware/content_coding.h"
#include "handlers/ingest/sentry/sentry_time.h"

namespace picortex {
namespace {

constexpr std::string_view kEventType = "sentry.error";
constexpr std::string_view kUnavailable = "The event was logged, but cannot be stored now";
constexpr std::size_t kKeptInflated = 64 * 1024;

// Any page may post and read the result, which reveals nothing about others.
constexpr std::string_view kCorsFields =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: Retry-After, X-Request-ID\r\n";
// Tracing adds headers of its own to each request of a page. Browsers that do not support `*` use
// the names.
constexpr std::string_view kPreflightFields =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: POST\r\n"
    "Access-Control-Allow-Headers: *, Authorization, Content-Type, Content-Encoding, X-Sentry-Auth,"
    " Sentry-Trace, Baggage, Traceparent, Tracestate\r\n"
    "Access-Control-Max-Age: 86400\r\n";

// Returns the second segment of the route's path.
std::string_view project_of(std::string_view path) {
  path.remove_prefix(std::string_view("/api/").size());
  return path.substr(0, path.find('/'));
}

std::string stored_body(const std::optional<Uuid>& id) {
  std::string body = "{}";
  if (id) JsonObject::reopened(body).text("id", sentry_id_text(*id));
  return body;
}

}  // namespace

SentryEndpoint::SentryEndpoint(Reactor& reactor, Log& log, EventWriter& writer,
                               JsonDocument& document, std::uint32_t limit_per_minute)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      decoder_(document),
      limiter_(limit_per_minute) {}

void SentryEndpoint::preflight(http::Exchange& exchange) noexcept {
  exchange.respond({.status = 204, .fields = kPreflightFields});
}

void SentryEndpoint::post(http::Exchange& exchange) noexcept {
  Report& report = reports_.lend(*this);
  report.fields = kCorsFields;
  if (!admit(exchange, report.fields)) return reports_.give_back(report);
  const auto body = plain_body(exchange, report.fields);
  if (!body) return reports_.give_back(report);
  const auto content = decoder_.decode(*body, project_of(exchange.request().path), report.sentry);
  if (inflated_.capacity() > kKeptInflated) std::string().swap(inflated_);
  if (!content) {
    const int status = content.error().code == EMSGSIZE ? 413 : 400;
    exchange.fail(status, content.error().what, report.fields);
    return reports_.give_back(report);
  }
  if (!content->has_event) {
    exchange.respond({.body = stored_body(content->id), .fields = report.fields});
    return reports_.give_back(report);
  }
  settle_time(report, content->sent_at);
  store(exchange, report);
}

// An event that an SDK kept while it was offline has its own time.
void SentryEndpoint::settle_time(Report& report, std::optional<std::int64_t> sent_at) {
  SentryEvent& sentry = report.sentry;
  const auto settled =
      SentryTime::of(sentry.timestamp, sent_at, reactor_.unix_ms(), retention_age_ms_);
  report.event.time_ms = settled.time_ms;
  if (settled.is_own) return;
  JsonObject::reopened(sentry.data).time("timestamp", *sentry.timestamp);
}

// Answers itself if the client's rate is used up. The media type does not matter: the path
// determines what the body is, and SDKs of several languages send another type, or their HTTP
// client's default.
bool SentryEndpoint::admit(http::Exchange& exchange, std::string& fields) {
  const auto decision =
      limiter_.check(ClientKey(exchange.client()),
                     reactor_.now().time_since_epoch() / std::chrono::milliseconds(1));
  append_rate_fields(fields, decision);
  if (!decision.allowed) exchange.fail(429, "Rate limit exceeded, retry in 1 minute", fields);
  return decision.allowed;
}

// Returns the decompressed body; nothing if the request has been answered with an error.
std::optional<std::span<char>> SentryEndpoint::plain_body(http::Exchange& exchange,
                                                          std::string_view fields) {
  const auto coding = parse_content_coding(exchange.request().field("content-encoding"));
  const std::span<char> body = exchange.body();
  if (!coding) {
    exchange.fail(
        415, "Unsupported Content-Encoding: one of gzip, deflate, br, zstd is needed",
        std::string(fields).append("Accept-Encoding: ").append(kAcceptedCodings) + "\r\n");
    return std::nullopt;
  }
  if (*coding == ContentCoding::identity) return body;
  switch (decompress(*coding, {body.data(), body.size()}, kInflatedSizeMax, inflated_)) {
    case GunzipOutcome::whole:
      break;
    case GunzipOutcome::too_large:
      exchange.fail(413, "Request body is too large once it is decompressed", fields);
      return std::nullopt;
    case GunzipOutcome::broken:
      exchange.fail(400, "Body does not match its Content-Encoding, or is damaged", fields);
      return std::nullopt;
  }
  const std::size_t size = inflated_.size();
  inflated_.append(kJsonPadding, '\0');
  return std::span(inflated_.data(), size);
}

void SentryEndpoint::store(http::Exchange& exchange, Report& report) {
  const SentryEvent& sentry = report.sentry;
  log_.line(sentry.level, kEventType, {.request_id = &exchange.id()})
      .members(sentry.data)
      .message(sentry.msg);
  if (!writer_.is_open_to(1)) {
    exchange.fail(503, kUnavailable, report.fields + "Retry-After: 1\r\n");
    return reports_.give_back(report);
  }
  report.exchange = &exchange;
  report.event = {.time_ms = report.event.time_ms,
                  .level = sentry.level,
                  .event_type = kEventType,
                  .chat_id = {},
                  .msg = sentry.msg,
                  .data = sentry.data,
                  .request_id = exchange.id(),
                  .id = sentry.id};
  writer_.submit(report.submission, {&report.event, 1});
}

void SentryEndpoint::Report::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    exchange->respond({.body = stored_body(sentry.event_id), .fields = fields});
  } else {
    exchange->fail(503, kUnavailable, fields + "Retry-After: 1\r\n");
  }
  owner.reports_.give_back(*this);
}

}  // namespace picortex
