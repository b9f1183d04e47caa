#include "handlers/ingest/events_endpoint.h"

#include <utility>

#include "base/json/json_object.h"
#include "handlers/http/middleware/media_type.h"
#include "handlers/query/query_parameters.h"

namespace picortex {
namespace {

constexpr std::string_view kUnavailable =
    "The events cannot be stored now; send them again later, with their ids";

// How much memory a delivery keeps after a large one.
constexpr std::size_t kKeptEvents = 256;
constexpr std::size_t kKeptBodySize = 64 * 1024;

std::optional<EventMedia> media_of(const http::Request& request) {
  const std::string_view type = request.field("content-type");
  if (is_media_type(type, "application/json")) return EventMedia::json;
  if (is_media_type(type, "application/x-ndjson")) return EventMedia::ndjson;
  return std::nullopt;
}

// The options in a request's query.
struct Wanted {
  bool is_partial = false;
  Keep keep = Keep::within_retention;
};

Result<Wanted> parse_wanted(std::string_view query) {
  const auto pairs = TRY(parse_form(query));
  Wanted wanted;
  for (const auto& [name, value] : pairs) {
    if (name == "partial" && (value == "1" || value == "0")) {
      wanted.is_partial = value == "1";
    } else if (name == "keep" && value == "any") {
      wanted.keep = Keep::any;
    } else if (name == "partial" || name == "keep") {
      return failure(name + " has an invalid value: give partial=1, partial=0 or keep=any");
    } else {
      return failure("Unknown parameter: this path takes partial and keep");
    }
  }
  return wanted;
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
  const auto wanted = parse_wanted(exchange.request().query);
  if (!wanted) return exchange.fail(400, wanted.error().what);
  Delivery& delivery = deliveries_.lend(*this);
  delivery.body_size = exchange.body().size();
  delivery.is_partial = wanted->is_partial;
  if (auto decoded = decode(delivery, exchange, *media, wanted->keep); !decoded) {
    exchange.fail(400, decoded.error().what);
    return give_back(delivery);
  }
  if (delivery.batch.events().empty()) {  // all were rejected
    exchange.respond({.body = render(delivery)});
    return give_back(delivery);
  }
  submit(delivery, exchange);
}

Result<void> EventsEndpoint::decode(Delivery& delivery, http::Exchange& exchange, EventMedia media,
                                    Keep keep) {
  const EventDefaults defaults{.time_ms = reactor_.unix_ms(),
                               .request_id = exchange.id(),
                               .accepted = writer_.accepted_times(),
                               .keep = keep};
  if (delivery.is_partial) {
    return decoder_.decode_partly(media, exchange.body(), defaults, delivery.batch,
                                  delivery.rejected);
  }
  return decoder_.decode(media, exchange.body(), defaults, delivery.batch);
}

void EventsEndpoint::submit(Delivery& delivery, http::Exchange& exchange) {
  if (!writer_.is_open_to(delivery.batch.events().size())) {
    exchange.fail(503, kUnavailable, "Retry-After: 1\r\n");
    return give_back(delivery);
  }
  for (const Event& event : delivery.batch.events()) on_event_(event);
  delivery.exchange = &exchange;
  writer_.submit(delivery.submission, delivery.batch.events());
}

void EventsEndpoint::give_back(Delivery& delivery) {
  if (delivery.batch.events().size() > kKeptEvents || delivery.body_size > kKeptBodySize) {
    // Assigning an empty batch would keep its text's memory: the string would copy nothing into it.
    EventBatch freed;
    std::swap(freed, delivery.batch);
  }
  delivery.rejected = {};
  deliveries_.give_back(delivery);
}

// {"accepted":3,"request_id":"…"}
// {"accepted":2,"duplicates":1,"rejected":[{"index":3,"reason":"…"}]}
std::string_view EventsEndpoint::render(const Delivery& delivery) {
  const std::size_t events = delivery.batch.events().size();
  const std::size_t duplicates = events > 0 ? delivery.submission.duplicates() : 0;
  body_.clear();
  if (!delivery.is_partial) {
    JsonObject(body_).number("accepted", events).id("request_id", delivery.exchange->id());
    return body_;
  }
  {
    JsonObject answer(body_);
    answer.number("accepted", events - duplicates).number("duplicates", duplicates);
    JsonArray rejected = answer.array("rejected");
    for (const RejectedEvent& event : delivery.rejected) {
      rejected.object().number("index", event.index).text("reason", event.reason);
    }
  }
  return body_;
}

void EventsEndpoint::Delivery::on_outcome(StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    exchange->respond({.body = owner.render(*this)});
  } else {
    exchange->fail(503, kUnavailable, "Retry-After: 1\r\n");
  }
  owner.give_back(*this);
}

}  // namespace picortex
