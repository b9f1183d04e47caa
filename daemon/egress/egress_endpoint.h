#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json/json_object.h"
#include "handlers/http/exchange.h"
#include "handlers/pipeline/internal_event_sink.h"
#include "netfilter/fence.h"
#include "netfilter/report/egress_journal.h"
#include "storage/egress_host_table.h"

namespace picortex {

// GET /api/egress: the mode, what was decided, each rule with its use, and the hosts that were
// attempted, the latest first.
class EgressEndpoint {
 public:
  static constexpr std::size_t kRulesMax = 2000;  // the rest is only counted
  static constexpr std::int64_t kHostsMax = 200;  // `picortex egress hosts` has all

  // `data_dir` holds the database, which is opened at the first request. References passed in must
  // outlive this object.
  EgressEndpoint(const Reactor& reactor, EgressMode mode, std::string data_dir,
                 const EgressJournal& journal, const InternalEventSink& sink,
                 const std::unique_ptr<Fence>& fence);

  void get(http::Exchange& exchange) noexcept;

 private:
  void append_stats(JsonObject& report) const;
  void append_rules(JsonObject& report) const;
  void append_hosts(JsonObject& report);
  StoreResult<std::vector<EgressHost>> read_hosts();

  const Reactor& reactor_;
  EgressMode mode_;
  std::string data_dir_;
  std::optional<EgressHostReader> reader_;
  const EgressJournal& journal_;
  const InternalEventSink& sink_;
  const std::unique_ptr<Fence>& fence_;  // null where the mode is off
  std::int64_t since_ms_;
  std::string body_;
};

}  // namespace picortex
