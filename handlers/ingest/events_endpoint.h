#pragma once

#include <vector>

#include "base/callback.h"
#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/ingest/event_decoder.h"
#include "handlers/pipeline/event_writer.h"

namespace picortex {

// POST /api/events: events of the bot's own processes, one, many in an array, or as NDJSON. 200
// once they are stored. All or nothing, unless `?partial=1` asks to store the valid events of a
// request; `?keep=any` accepts events that are older than what is kept or more than a day ahead.
class EventsEndpoint {
 public:
  // References passed in must outlive this object.
  EventsEndpoint(Reactor& reactor, EventWriter& writer, JsonDocument& document);

  // From now on calls `on_event` with each event that came with the token and was accepted, before
  // it is stored. The event's texts last for the call.
  void report(Callback<const Event&> on_event) { on_event_ = on_event; }

  void post(http::Exchange& exchange) noexcept;

 private:
  // The events of one request while they are being stored.
  struct Delivery {
    explicit Delivery(EventsEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    EventsEndpoint& owner;
    http::Exchange* exchange = nullptr;
    bool is_partial = false;
    EventBatch batch;
    std::size_t body_size = 0;  // of the request; the batch's memory is proportional to it
    std::vector<RejectedEvent> rejected;
    Submission submission{Callback<StoreOutcome>::to<&Delivery::on_outcome>(*this)};
  };

  Result<void> decode(Delivery& delivery, http::Exchange& exchange, EventMedia media, Keep keep);
  void submit(Delivery& delivery, http::Exchange& exchange);
  std::string_view render(const Delivery& delivery);
  void give_back(Delivery& delivery);

  Reactor& reactor_;
  EventWriter& writer_;
  EventDecoder decoder_;
  Callback<const Event&> on_event_;
  ObjectPool<Delivery> deliveries_;
  std::string body_;
};

}  // namespace picortex
