#include "handlers/linq_webhook.h"

#include <charconv>
#include <utility>

#include "base/json_text.h"
#include "handlers/media_type.h"

namespace picortex {
namespace {

constexpr std::size_t kIdSizeMax = 256;

// Seconds of Unix time, digits only.
std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return seconds;
}

}  // namespace

LinqWebhook::LinqWebhook(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
                         WebhookSecret secret)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      decoder_(document),
      secret_(std::move(secret)) {}

std::string_view LinqWebhook::objection(http::Exchange& exchange) const {
  const http::Request& request = exchange.request();
  const std::string_view id = request.field("webhook-id");
  const std::string_view timestamp = request.field("webhook-timestamp");
  const std::string_view signatures = request.field("webhook-signature");
  if (id.empty() || id.size() > kIdSizeMax) return "The header webhook-id is missing or too long";
  if (timestamp.empty()) return "The header webhook-timestamp is missing";
  if (signatures.empty()) return "The header webhook-signature is missing";
  const auto seconds = parse_timestamp(timestamp);
  if (!seconds) return "The header webhook-timestamp is not a number of seconds";
  const std::span<const char> body = exchange.body();
  if (!secret_.has_signed(id, timestamp, {body.data(), body.size()}, signatures)) {
    return "The signature is not right";
  }
  // Said only to who knows the secret.
  const std::int64_t age = reactor_.unix_ms() / 1000 - *seconds;
  if (age > kToleranceSeconds) return "The message was signed more than 5 minutes ago";
  if (age < -kToleranceSeconds) return "The message was signed more than 5 minutes ahead of time";
  return {};
}

void LinqWebhook::post(http::Exchange& exchange) noexcept {
  if (const std::string_view reason = objection(exchange); !reason.empty()) {
    log_.line(Level::warn, "linq.rejected", {.request_id = &exchange.id()})
        .text("reason", reason)
        .message("a webhook that Linq did not sign was refused");
    return exchange.fail(401, reason);
  }
  if (!is_media_type(exchange.request().field("content-type"), "application/json")) {
    return exchange.fail(415, "Unsupported Media Type: application/json is needed");
  }
  Delivery& delivery = lease();
  if (auto decoded = decoder_.decode(exchange.body(), delivery.linq); !decoded) {
    exchange.fail(400, decoded.error().what);
    return free_.push_back(&delivery);
  }
  if (!writer_.is_open_to(1)) {
    exchange.fail(503, "The event cannot be stored now; send it again", "Retry-After: 1\r\n");
    return free_.push_back(&delivery);
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

LinqWebhook::Delivery& LinqWebhook::lease() {
  if (free_.empty()) return deliveries_.emplace_back(*this);
  Delivery& delivery = *free_.back();
  free_.pop_back();
  return delivery;
}

void LinqWebhook::Delivery::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    exchange->respond({.body = "{\"stored\":true}"});
  } else {
    exchange->fail(503, "The event cannot be stored now; send it again", "Retry-After: 1\r\n");
  }
  owner.free_.push_back(this);
}

}  // namespace picortex
