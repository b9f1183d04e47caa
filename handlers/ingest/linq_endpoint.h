#pragma once

#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/ingest/linq_decoder.h"
#include "handlers/ingest/webhook_signature.h"
#include "handlers/pipeline/event_writer.h"

namespace picortex {

// POST /webhooks/linq: events of the chats, signed by Linq (Standard Webhooks). 200 once the event
// is stored, also if it was stored before, so that Linq stops sending it; the answer says which,
// and has the request ID under which the event is stored. 401 for a request that Linq did not sign,
// or signed more than five minutes from now; 503 asks Linq to send it again.
class LinqEndpoint {
 public:
  static constexpr std::int64_t kToleranceSeconds = 300;

  // References passed in must outlive this object.
  LinqEndpoint(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
               WebhookSecret secret);

  void set_secret(WebhookSecret secret) { secret_ = std::move(secret); }

  void post(http::Exchange& exchange) noexcept;

 private:
  // One event while it is being stored.
  struct Delivery {
    explicit Delivery(LinqEndpoint& webhook) : owner(webhook) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    LinqEndpoint& owner;
    http::Exchange* exchange = nullptr;
    LinqEvent linq;
    Event event;
    Submission submission{Callback<StoreOutcome>::to<&Delivery::on_outcome>(*this)};
  };

  // Returns why the request is not Linq's; empty if it is.
  std::string_view objection(http::Exchange& exchange) const;

  Reactor& reactor_;
  Log& log_;
  EventWriter& writer_;
  LinqDecoder decoder_;
  WebhookSecret secret_;
  ObjectPool<Delivery> deliveries_;
  std::string body_;
};

}  // namespace picortex
