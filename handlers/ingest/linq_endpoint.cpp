#include "handlers/ingest/linq_endpoint.h"

#include <utility>

#include "base/json/json_object.h"
#include "base/parse.h"
#include "handlers/http/middleware/media_type.h"

namespace picortex {
namespace {

constexpr std::size_t kIdSizeMax = 256;

}  // namespace

LinqEndpoint::LinqEndpoint(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
                           WebhookSecret secret)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      decoder_(document),
      secret_(std::move(secret)) {}

std::string_view LinqEndpoint::objection(http::Exchange& exchange) const {
  const http::Request& request = exchange.request();
  const std::string_view id = request.field("webhook-id");
  const std::string_view timestamp = request.field("webhook-timestamp");
  // While its key is being changed, a sender may send a header line for each key.
  std::string signatures;
  for (const http::Field& field : request.fields) {
    if (field.is_named("webhook-signature")) signatures.append(field.value).append(" ");
  }
  if (id.empty() || id.size() > kIdSizeMax) return "The header webhook-id is missing or too long";
  if (timestamp.empty()) return "The header webhook-timestamp is missing";
  if (signatures.empty()) return "The header webhook-signature is missing";
  const auto seconds = parse_whole<std::int64_t>(timestamp, 0);
  if (!seconds) return "The header webhook-timestamp is not a number of seconds";
  const std::span<const char> body = exchange.body();
  if (!secret_.has_signed(id, timestamp, {body.data(), body.size()}, signatures)) {
    return "The signature is wrong";
  }
  // Reported only to a sender that knows the secret.
  const std::int64_t age = reactor_.unix_ms() / 1000 - *seconds;
  if (age > kToleranceSeconds) return "The message was signed more than 5 minutes ago";
  if (age < -kToleranceSeconds) return "The message was signed more than 5 minutes ahead of time";
  return {};
}

void LinqEndpoint::post(http::Exchange& exchange) noexcept {
  if (const std::string_view reason = objection(exchange); !reason.empty()) {
    log_.line(Level::warn, "linq.rejected", {.request_id = &exchange.id()})
        .text("reason", reason)
        .message("a webhook without a valid signature of Linq was rejected");
    return exchange.fail(401, reason);
  }
  if (!is_media_type(exchange.request().field("content-type"), "application/json")) {
    return exchange.fail(415, "Unsupported Media Type: application/json is needed");
  }
  Delivery& delivery = deliveries_.lend(*this);
  if (auto decoded = decoder_.decode(exchange.body(), delivery.linq); !decoded) {
    exchange.fail(400, decoded.error().what);
    return deliveries_.give_back(delivery);
  }
  if (!writer_.is_open_to(1)) {
    exchange.fail(503, "The event cannot be stored now; send it again", "Retry-After: 1\r\n");
    return deliveries_.give_back(delivery);
  }
  const LinqEvent& linq = delivery.linq;
  delivery.exchange = &exchange;
  delivery.event = {.time_ms = reactor_.unix_ms(),
                    .level = Level::info,
                    .event_type = linq.event_type,
                    .chat_id = linq.chat_id,
                    .msg = linq.msg,
                    .data = linq.data,
                    .request_id = exchange.id(),
                    .id = linq.id};
  writer_.submit(delivery.submission, {&delivery.event, 1});
}

void LinqEndpoint::Delivery::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    const bool is_duplicate = submission.duplicate_of().has_value();
    std::string& body = owner.body_;
    body.clear();
    JsonObject(body)
        .boolean("stored", true)
        .boolean("duplicate", is_duplicate)
        .id("request_id", is_duplicate ? *submission.duplicate_of() : exchange->id());
    exchange->respond({.body = body});
  } else {
    exchange->fail(503, "The event cannot be stored now; send it again", "Retry-After: 1\r\n");
  }
  owner.deliveries_.give_back(*this);
}

}  // namespace picortex
