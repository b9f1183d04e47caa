#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "handlers/event_decoder.h"
#include "handlers/event_listener.h"
#include "handlers/event_writer.h"
#include "handlers/http/exchange.h"

namespace picortex {

// POST /api/events: events of the bot's own processes, one, many in an array, or as NDJSON. All or
// nothing; 200 once they are stored.
class EventsEndpoint {
 public:
  // What is passed by reference outlives this.
  EventsEndpoint(Reactor& reactor, EventWriter& writer, JsonDocument& document);

  // From now on `listener` hears of every event that is accepted.
  void tell(EventListener listener) { listener_ = listener; }

  void post(http::Exchange& exchange) noexcept;

 private:
  // One request's events on their way into the store.
  struct Delivery {
    explicit Delivery(EventsEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    EventsEndpoint& owner;
    http::Exchange* exchange = nullptr;
    EventBatch batch;
    Submission submission = Submission::to<&Delivery::on_outcome>(*this);
  };

  Delivery& lease();
  void give_back(Delivery& delivery);

  Reactor& reactor_;
  EventWriter& writer_;
  EventDecoder decoder_;
  std::optional<EventListener> listener_;
  std::deque<Delivery> deliveries_;
  std::vector<Delivery*> free_;
  std::string body_;
};

}  // namespace picortex
