#include "handlers/events.h"

#include "base/json_text.h"
#include "handlers/media_type.h"

namespace picortex {
namespace {

constexpr std::string_view kUnavailable =
    "The events cannot be stored now; send them again later, with their ids";

// What a delivery keeps of its memory once a large one has passed.
constexpr std::size_t kKeptEvents = 256;

std::optional<EventMedia> media_of(const http::Request& request) {
  const std::string_view type = request.field("content-type");
  if (is_media_type(type, "application/json")) return EventMedia::json;
  if (is_media_type(type, "application/x-ndjson")) return EventMedia::ndjson;
  return std::nullopt;
}

}  // namespace

EventsEndpoint::EventsEndpoint(Reactor& reactor, EventWriter& writer, JsonDocument& document)
    : reactor_(reactor), writer_(writer), decoder_(document) {}

void EventsEndpoint::post(http::Exchange& exchange) noexcept {
  const std::optional<EventMedia> media = media_of(exchange.request());
  if (!media) {
    return exchange.fail(
        415, "Unsupported Media Type: application/json or application/x-ndjson is needed");
  }
  Delivery& delivery = lease();
  const EventDefaults defaults{.time_ms = reactor_.unix_ms(), .request_id = exchange.id()};
  if (auto decoded = decoder_.decode(*media, exchange.body(), defaults, delivery.batch); !decoded) {
    exchange.fail(400, decoded.error().what);
    return give_back(delivery);
  }
  if (!writer_.is_open_to(delivery.batch.events().size())) {
    exchange.fail(503, kUnavailable, "Retry-After: 1\r\n");
    return give_back(delivery);
  }
  if (listener_) {
    for (const Event& event : delivery.batch.events()) listener_->hear(event);
  }
  delivery.exchange = &exchange;
  writer_.submit(delivery.submission, delivery.batch.events());
}

EventsEndpoint::Delivery& EventsEndpoint::lease() {
  if (free_.empty()) return deliveries_.emplace_back(*this);
  Delivery& delivery = *free_.back();
  free_.pop_back();
  return delivery;
}

void EventsEndpoint::give_back(Delivery& delivery) {
  if (delivery.batch.events().size() > kKeptEvents) delivery.batch = {};
  free_.push_back(&delivery);
}

void EventsEndpoint::Delivery::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    std::string& body = owner.body_;
    body.clear();
    body += "{\"accepted\":";
    append_json_number(body, static_cast<std::uint64_t>(batch.events().size()));
    body += ",\"request_id\":\"";
    char id[Uuid::kTextSize];
    format_uuid(exchange->id(), id);
    body.append(id, sizeof id);
    body += "\"}";
    exchange->respond({.body = body});
  } else {
    exchange->fail(503, kUnavailable, "Retry-After: 1\r\n");
  }
  owner.give_back(*this);
}

}  // namespace picortex
