#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json/json_object.h"
#include "daemon/egress/fenced_caller.h"
#include "handlers/http/exchange.h"
#include "netfilter/report/egress_journal.h"

namespace picortex {

// GET /api/egress/why?host=HOST: what was denied lately for the host, and why. The scope read gets
// everything: processes, turns, and the rule that allows the host now. Without it the fenced user
// gets its own attempts, and others get 401, whatever the host.
class WhyEndpoint {
 public:
  static constexpr std::size_t kDenialsMax = 50;

  // References passed in must outlive this object; `fence` is null while there is none.
  WhyEndpoint(const Reactor& reactor, const EgressJournal& journal,
              const std::unique_ptr<Fence>& fence, FencedCaller& caller);

  void get(http::Exchange& exchange) noexcept;

 private:
  enum class View : std::uint8_t { own_attempts, everything };

  void append_denials(JsonObject& answer, std::string_view host, View view) const;
  void append_rule(JsonObject& answer, std::string_view host) const;

  const Reactor& reactor_;
  const EgressJournal& journal_;
  const std::unique_ptr<Fence>& fence_;
  FencedCaller& caller_;
  std::int64_t since_ms_;
  std::string body_;
};

}  // namespace picortex
