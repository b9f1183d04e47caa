#pragma once

#include <deque>
#include <vector>

#include "handlers/event_writer.h"
#include "handlers/http/exchange.h"
#include "handlers/linq_decoder.h"
#include "handlers/webhook_signature.h"

namespace picortex {

// POST /webhooks/linq: what happened in the chats, signed by Linq (Standard Webhooks). 200 once the
// event is stored, also where it was stored before, so that Linq sends it no more; 401 for what
// Linq did not sign, or signed more than five minutes from now; 503 asks Linq to send it again.
class LinqWebhook {
 public:
  static constexpr std::int64_t kToleranceSeconds = 300;

  // What is passed by reference outlives this.
  LinqWebhook(Reactor& reactor, Log& log, EventWriter& writer, JsonDocument& document,
              WebhookSecret secret);

  void set_secret(WebhookSecret secret) { secret_ = std::move(secret); }

  void post(http::Exchange& exchange) noexcept;

 private:
  // One event on its way into the store.
  struct Delivery {
    explicit Delivery(LinqWebhook& webhook) : owner(webhook) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    LinqWebhook& owner;
    http::Exchange* exchange = nullptr;
    LinqEvent linq;
    Event event;
    Submission submission = Submission::to<&Delivery::on_outcome>(*this);
  };

  // What makes the request none of Linq's; empty: nothing.
  std::string_view objection(http::Exchange& exchange) const;
  Delivery& lease();

  Reactor& reactor_;
  Log& log_;
  EventWriter& writer_;
  LinqDecoder decoder_;
  WebhookSecret secret_;
  std::deque<Delivery> deliveries_;
  std::vector<Delivery*> free_;
};

}  // namespace picortex
