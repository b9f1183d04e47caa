#pragma once

#include <cstdint>

#include "base/json/document.h"
#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/pipeline/event_writer.h"
#include "handlers/pipeline/spending_ledger.h"
#include "reactor/log.h"

namespace picortex {

// POST /api/forget {"chat_id":"…"}: deletes what is stored of a chat, a slice of bounded work with
// each request, and answers {"events":n,"turns":n,"more":true} with what the slice has deleted. The
// client asks again until `more` is false. So the work is as slow as its client, needs no state
// here, and is continued after a restart by asking again.
class ForgetEndpoint {
 public:
  static constexpr std::size_t kBodySizeMax = 4096;
  static constexpr std::size_t kWaitingMax = 16;  // beyond it 503

  // References passed in must outlive this object.
  ForgetEndpoint(Log& log, EventWriter& writer, EventFeed& feed, SpendingLedger& ledger,
                 JsonDocument& document);

  void post(http::Exchange& exchange) noexcept;

 private:
  struct Job {
    explicit Job(ForgetEndpoint& endpoint) : owner(endpoint) {}
    void on_end() noexcept { owner.end(*this); }

    ForgetEndpoint& owner;
    http::Exchange* exchange = nullptr;
    Forgetting forgetting{Callback<>::to<&Job::on_end>(*this)};
  };

  void end(Job& job) noexcept;

  Log& log_;
  EventWriter& writer_;
  EventFeed& feed_;
  SpendingLedger& ledger_;
  JsonDocument& document_;
  ObjectPool<Job> jobs_{kWaitingMax};
};

}  // namespace picortex
