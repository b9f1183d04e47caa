#include "handlers/sentry_endpoint.h"

#include <strings.h>

#include <cerrno>

#include "base/json_text.h"
#include "handlers/gunzip.h"
#include "handlers/media_type.h"

namespace picortex {
namespace {

constexpr std::string_view kEventType = "sentry.error";
constexpr std::string_view kUnavailable = "The event was logged, but cannot be stored now";
constexpr std::size_t kKeptInflated = 64 * 1024;

// Any page may post, and read how it went; what it may read tells nothing of others.
constexpr std::string_view kCorsFields =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: Retry-After, X-Request-ID\r\n";
constexpr std::string_view kPreflightFields =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: POST\r\n"
    "Access-Control-Allow-Headers: Content-Type, Content-Encoding, X-Sentry-Auth\r\n"
    "Access-Control-Max-Age: 86400\r\n";

bool is_named(std::string_view text, std::string_view name) {
  return text.size() == name.size() && strncasecmp(text.data(), name.data(), name.size()) == 0;
}

// What browsers post without asking first, and what other SDKs say.
bool is_envelope_type(std::string_view type) {
  return type.empty() || is_media_type(type, "application/x-sentry-envelope") ||
         is_media_type(type, "text/plain");
}

// The second segment of the route's path.
std::string_view project_of(std::string_view path) {
  path.remove_prefix(std::string_view("/api/").size());
  return path.substr(0, path.find('/'));
}

std::string stored_body(const std::optional<Uuid>& id) {
  return id ? "{\"id\":\"" + sentry_id_text(*id) + "\"}" : "{}";
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
  Report& report = lease();
  report.fields = kCorsFields;
  if (!admit(exchange, report.fields)) return give_back(report);
  const auto body = plain_body(exchange, report.fields);
  if (!body) return give_back(report);
  const auto content = decoder_.decode(*body, project_of(exchange.request().path), report.sentry);
  if (inflated_.capacity() > kKeptInflated) std::string().swap(inflated_);
  if (!content) {
    const int status = content.error().code == EMSGSIZE ? 413 : 400;
    exchange.fail(status, content.error().what, report.fields);
    return give_back(report);
  }
  if (!content->has_event) {
    exchange.respond({.body = stored_body(content->id), .fields = report.fields});
    return give_back(report);
  }
  store(exchange, report);
}

// The rate and the media type; answers itself when they are not right.
bool SentryEndpoint::admit(http::Exchange& exchange, std::string& fields) {
  const auto decision =
      limiter_.check(ClientKey(exchange.client()),
                     reactor_.now().time_since_epoch() / std::chrono::milliseconds(1));
  append_rate_fields(fields, decision);
  if (!decision.allowed) {
    exchange.fail(429, "Rate limit exceeded, retry in 1 minute", fields);
    return false;
  }
  if (!is_envelope_type(exchange.request().field("content-type"))) {
    exchange.fail(415,
                  "Unsupported Media Type: application/x-sentry-envelope or text/plain is needed",
                  fields);
    return false;
  }
  return true;
}

// The body as it was before it was compressed; none when that has been answered.
std::optional<std::span<char>> SentryEndpoint::plain_body(http::Exchange& exchange,
                                                          std::string_view fields) {
  const std::string_view encoding = exchange.request().field("content-encoding");
  const std::span<char> body = exchange.body();
  if (encoding.empty() || is_named(encoding, "identity")) return body;
  if (!is_named(encoding, "gzip")) {
    exchange.fail(415, "Unsupported Content-Encoding: gzip or none is needed",
                  std::string(fields) + "Accept-Encoding: gzip\r\n");
    return std::nullopt;
  }
  switch (gunzip({body.data(), body.size()}, kInflatedSizeMax, inflated_)) {
    case GunzipOutcome::whole:
      break;
    case GunzipOutcome::too_large:
      exchange.fail(413, "Request body is too large once it is decompressed", fields);
      return std::nullopt;
    case GunzipOutcome::broken:
      exchange.fail(400, "Body is not gzip, or damaged", fields);
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
    return give_back(report);
  }
  report.exchange = &exchange;
  report.event = {.time_ms = reactor_.unix_ms(),
                  .level = sentry.level,
                  .event_type = kEventType,
                  .chat_id = {},
                  .msg = sentry.msg,
                  .data = sentry.data,
                  .request_id = exchange.id(),
                  .id = sentry.id};
  writer_.submit(report.submission, {&report.event, 1});
}

SentryEndpoint::Report& SentryEndpoint::lease() {
  if (free_.empty()) return reports_.emplace_back(*this);
  Report& report = *free_.back();
  free_.pop_back();
  return report;
}

void SentryEndpoint::Report::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    exchange->respond({.body = stored_body(sentry.event_id), .fields = fields});
  } else {
    exchange->fail(503, kUnavailable, fields + "Retry-After: 1\r\n");
  }
  owner.give_back(*this);
}

}  // namespace picortex
