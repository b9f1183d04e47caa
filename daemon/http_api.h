#pragma once

#include <cstddef>
#include <optional>

#include "base/json/document.h"
#include "daemon/config/serve_options.h"
#include "handlers/http/middleware/access_control.h"
#include "handlers/http/router.h"
#include "handlers/ingest/claude/claude_hooks_endpoint.h"
#include "handlers/ingest/events_endpoint.h"
#include "handlers/ingest/forget_endpoint.h"
#include "handlers/ingest/frontend_log_endpoint.h"
#include "handlers/ingest/linq_endpoint.h"
#include "handlers/ingest/otlp/otlp_endpoint.h"
#include "handlers/ingest/sentry/sentry_endpoint.h"
#include "handlers/ops/browser_script_endpoint.h"
#include "handlers/ops/health_endpoint.h"
#include "handlers/ops/tmux_probe.h"
#include "handlers/ops/web_page_endpoint.h"
#include "handlers/pipeline/event_feed.h"
#include "handlers/pipeline/event_writer.h"
#include "handlers/pipeline/spending_ledger.h"
#include "handlers/query/event_list_endpoint.h"
#include "handlers/query/event_stream_endpoint.h"
#include "handlers/query/query_runner.h"
#include "handlers/query/stats/stats_endpoint.h"
#include "handlers/query/stats_history_endpoint.h"
#include "handlers/query/story_endpoint.h"
#include "handlers/query/turns_endpoint.h"
#include "reactor/log.h"
#include "reactor/reactor.h"
#include "reactor/worker.h"

namespace picortex {

// The endpoints of docs/reference/http-api.md, but for /api/status and /api/egress, and what only
// they need. Webhooks and Sentry have routes only where the options of the start ask for them.
class HttpApi {
 public:
  // The parts of the daemon that the endpoints write to and read from; all outlive them.
  struct Parts {
    Reactor& reactor;
    Log& log;
    AccessControl& access;
    EventFeed& feed;
    EventWriter& writer;
    QueryRunner& queries;
    TmuxProbe& probe;
    SpendingLedger& spending;
    Worker& decode_worker;
    Worker& turns_worker;
  };

  HttpApi(const Parts& parts, const ServeOptions& options);

  void add_routes(http::Router& router);

  // What the agent hears when its tool call has failed; `reasons` must outlive this object.
  void explain_failures_with(const FailureReasons& reasons) noexcept {
    claude_hooks_.explain_failures_with(reasons);
  }

  // Puts reloaded options into force.
  void apply(const ServeOptions& options);

  // Makes /readyz say that the daemon is ending.
  void drain() { health_.drain(); }

  // Whether no worker has an endpoint's job.
  bool is_idle() const noexcept { return turn_lookup_.is_idle() && otlp_.is_idle(); }

  EventsEndpoint& events() noexcept { return events_; }
  OtlpEndpoint& otlp() noexcept { return otlp_; }

 private:
  void add_sentry_routes(http::Router& router);

  std::size_t frontend_log_size_max_;
  JsonDocument document_;
  HealthEndpoint health_;
  FrontendLogEndpoint frontend_log_;
  EventsEndpoint events_;
  std::optional<LinqEndpoint> linq_;
  std::optional<SentryEndpoint> sentry_;
  TelemetryBudget telemetry_budget_;
  OtlpEndpoint otlp_;
  ClaudeHooksEndpoint claude_hooks_;
  ForgetEndpoint forget_;
  EventListEndpoint event_list_;
  EventStreamEndpoint event_stream_;
  TurnLookup turn_lookup_;
  StoryEndpoint story_;
  TurnsEndpoint turns_;
  StatsHistoryEndpoint history_;
  StatsEndpoint stats_;
  WebPageEndpoint page_;
  BrowserScriptEndpoint browser_script_;
};

}  // namespace picortex
