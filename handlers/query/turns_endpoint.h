#pragma once

#include <string>
#include <string_view>

#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/query/turn_lookup.h"

namespace picortex {

// What GET /api/turns may be asked: chat_id, request_id, since, until, sort, limit. An error names
// the parameter and what is allowed.
Result<TurnFilter> parse_turns_request(std::string_view query);

// GET /api/turns: the turns of agents.
class TurnsEndpoint {
 public:
  static constexpr std::size_t kWaitingMax = 16;  // beyond it 503

  // `lookup` must outlive this object.
  explicit TurnsEndpoint(TurnLookup& lookup) : lookup_(lookup) {}

  void get(http::Exchange& exchange) noexcept;

 private:
  struct Job {
    explicit Job(TurnsEndpoint& endpoint) : owner(endpoint) {}
    void on_answer() noexcept { owner.answer(*this); }

    TurnsEndpoint& owner;
    http::Exchange* exchange = nullptr;
    TurnQuestion question{Callback<>::to<&Job::on_answer>(*this)};
  };

  void answer(Job& job) noexcept;

  TurnLookup& lookup_;
  ObjectPool<Job> jobs_{kWaitingMax};
  std::string body_;
};

}  // namespace picortex
