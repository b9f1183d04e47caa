#pragma once

#include <cstdint>
#include <string>

#include "base/json/document.h"
#include "base/object_pool.h"
#include "daemon/egress/fenced_caller.h"
#include "handlers/http/exchange.h"
#include "handlers/pipeline/event_writer.h"
#include "netfilter/attribution/turn_chats.h"

namespace picortex {

// POST /api/egress/proposals {"host":"HOST[:PORT]","reason":"…","request_id":"…"}: the fenced user
// asks the operator for a rule. It becomes an event `egress.proposal`, marked as claimed, and
// changes nothing: only the operator's command edits a list. request_id, the turn, may be missing.
//
// Bounded: kReasonSizeMax bytes of reason, kPerHourMax proposals an hour (429 beyond).
class ProposalEndpoint {
 public:
  static constexpr std::size_t kBodySizeMax = 4096;
  static constexpr std::size_t kReasonSizeMax = 500;
  static constexpr int kPerHourMax = 20;
  static constexpr std::size_t kWaitingMax = 16;  // for the disk; beyond it 503

  // References passed in must outlive this object.
  ProposalEndpoint(const Reactor& reactor, EventWriter& writer, const TurnChats& chats,
                   FencedCaller& caller)
      : reactor_(reactor), writer_(writer), chats_(chats), caller_(caller) {}

  void post(http::Exchange& exchange) noexcept;

 private:
  // A proposal on its way into the store.
  struct Delivery {
    explicit Delivery(ProposalEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept { owner.end(*this, outcome); }

    ProposalEndpoint& owner;
    http::Exchange* exchange = nullptr;
    std::string host;
    std::string msg;
    std::string data;
    std::string chat;
    Event event;
    Submission submission{Callback<StoreOutcome>::to<&Delivery::on_outcome>(*this)};
  };

  Result<void> read(http::Exchange& exchange, Delivery& delivery);
  bool is_within_rate() noexcept;
  void end(Delivery& delivery, StoreOutcome outcome) noexcept;

  const Reactor& reactor_;
  EventWriter& writer_;
  const TurnChats& chats_;
  FencedCaller& caller_;
  JsonDocument document_{kBodySizeMax};
  ObjectPool<Delivery> deliveries_{kWaitingMax};
  Instant hour_end_{};
  int this_hour_ = 0;
};

}  // namespace picortex
