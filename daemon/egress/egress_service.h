#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/config/serve_options.h"
#include "daemon/egress/denial_reasons.h"
#include "daemon/egress/egress_endpoint.h"
#include "daemon/egress/fenced_caller.h"
#include "daemon/egress/proposal_endpoint.h"
#include "daemon/egress/run_listener.h"
#include "daemon/egress/why_endpoint.h"
#include "handlers/alerts/alert_command.h"
#include "handlers/http/listener.h"
#include "handlers/http/router.h"
#include "handlers/ingest/events_endpoint.h"
#include "handlers/ops/status_endpoint.h"
#include "handlers/pipeline/internal_event_sink.h"
#include "handlers/query/query_runner.h"
#include "netfilter/attribution/agent_process_registry.h"
#include "netfilter/fence.h"
#include "netfilter/report/egress_journal.h"
#include "reactor/periodic_timer.h"

namespace picortex {

// The egress side of the daemon: the fence, the journal of its decisions with what it needs to
// attribute them, /api/egress and what is below it, and what `picortex run` registers. Where PICORTEX_EGRESS_MODE is
// off there is no fence; the rest shows what an earlier run has recorded.
class EgressService final : public StatusSection {
 public:
  // What the service reports to. All of it must outlive the service.
  struct Outlets {
    Log& log;
    EventWriter& writer;
    QueryRunner& queries;
    InternalEventSink& rows;
    AlertCommand& alerts;
  };

  // After EventWriter::open(): the hosts known so far are read from its database. If that fails, it
  // is logged, and every host is new. Fails rather than let the daemon run with an open fence.
  static Result<std::unique_ptr<EgressService>> open(Reactor& reactor, const Outlets& outlets,
                                                     const ServeOptions& options,
                                                     const std::vector<http::Listener>& listeners);

  // Adds its routes, and learns from the events of `picortex run`.
  void connect(http::Router& router, EventsEndpoint& events);
  void start();
  // Reads the allowlist again, with the default upload budget of now. An error leaves the rules
  // unchanged.
  Result<void> reload(const UploadBudget& default_upload);
  // Ends the fence, and reports what was only counted so far. Call before the writer closes.
  void stop();
  // Every decision has been attributed and reported: the writer may close.
  bool has_reported() const noexcept { return journal_.is_idle(); }
  bool is_idle() const noexcept { return fence_ == nullptr || fence_->is_idle(); }

  // What is said to an agent when its tool call has failed.
  const FailureReasons& failure_reasons() const noexcept { return reasons_; }

  void append_status(JsonObject& status) const override;

 private:
  EgressService(Reactor& reactor, const Outlets& outlets, const ServeOptions& options,
                SockDiagQuery sockets, SockDiagQuery caller_sockets,
                std::span<const EgressHost> known);
  Result<void> open_fence(Reactor& reactor, Log& log, const ServeOptions& options,
                          const std::vector<http::Listener>& listeners);
  void on_alert(const EgressRecord& record) noexcept;

  EgressMode mode_;
  AlertCommand& alerts_;
  AgentProcessRegistry runs_;
  EgressJournal journal_;
  RunListener listener_{runs_, journal_.chats()};
  EgressEndpoint endpoint_;
  PeriodicTimer sweeps_;
  std::unique_ptr<Fence> fence_;  // null where the mode is off
  FencedCaller caller_;
  WhyEndpoint why_;
  ProposalEndpoint proposals_;
  DenialReasons reasons_{journal_.denials()};
};

}  // namespace picortex
