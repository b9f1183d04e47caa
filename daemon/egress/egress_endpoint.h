#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json/json_object.h"
#include "handlers/http/exchange.h"
#include "handlers/pipeline/internal_event_sink.h"
#include "handlers/query/query_runner.h"
#include "netfilter/fence.h"
#include "netfilter/report/egress_journal.h"
#include "storage/query/egress_hosts_query.h"

namespace picortex {

// What GET /api/egress asks for.
struct EgressRequest {
  EgressHostsFilter filter;
  std::optional<EgressHostCursor> after;  // where the page begins; none: with the first host
  std::size_t limit = 200;
};
// Reads text, verdict, since, until, limit and cursor; an empty value counts as absent. An error
// names the parameter and what is allowed.
Result<EgressRequest> parse_egress_request(std::string_view query);

// GET /api/egress: the mode, what was decided, each rule with its use, and a page of the hosts that
// were attempted, the latest first, with the counts of those that fit. Hosts are read slice by slice
// by the QueryRunner.
class EgressEndpoint {
 public:
  static constexpr std::size_t kRulesMax = 2000;       // the rest is only counted
  static constexpr std::size_t kAnswersMax = 8;        // in the making; beyond it 503
  static constexpr std::chrono::seconds kTimeMax{10};  // of reading hosts; then they are null

  // References passed in must outlive this object.
  EgressEndpoint(const Reactor& reactor, EgressMode mode, QueryRunner& runner,
                 const EgressJournal& journal, const InternalEventSink& sink,
                 const std::unique_ptr<Fence>& fence);

  void get(http::Exchange& exchange) noexcept;

 private:
  // One answer in the making.
  struct Answer {
    explicit Answer(EgressEndpoint& endpoint) : owner(endpoint) {}
    void on_slice() noexcept { owner.look_at(*this); }
    EgressHostsQuery& hosts() { return static_cast<EgressHostsQuery&>(query.task()); }

    EgressEndpoint& owner;
    http::Exchange* exchange = nullptr;
    Instant since{};
    RunningQuery query{Callback<>::to<&Answer::on_slice>(*this)};
  };

  void look_at(Answer& answer);
  void finish(Answer& answer, const EgressHostsPage* page, EgressHostsFilter::Verdict verdict);
  void append_stats(JsonObject& report) const;
  void append_rules(JsonObject& report) const;

  const Reactor& reactor_;
  EgressMode mode_;
  QueryRunner& runner_;
  const EgressJournal& journal_;
  const InternalEventSink& sink_;
  const std::unique_ptr<Fence>& fence_;  // null where the mode is off
  std::int64_t since_ms_;
  std::deque<Answer> answers_;
  std::vector<Answer*> free_;
};

}  // namespace picortex
