#include "daemon/http_api.h"

#include <algorithm>
#include <string_view>

#include "base/version.h"

namespace picortex {
namespace {

constexpr std::size_t kEventsBodySizeMax = 1024 * 1024;
constexpr std::size_t kWebhookBodySizeMax = 1024 * 1024;

}  // namespace

HttpApi::HttpApi(const Parts& parts, const ServeOptions& options)
    : frontend_log_size_max_(options.frontend_log_size_max),
      document_(std::max<std::size_t>(kEventsBodySizeMax, options.frontend_log_size_max)),
      health_(parts.reactor, parts.writer, parts.probe, kVersion, kCommit),
      frontend_log_(parts.reactor, parts.log, parts.writer, document_,
                    options.frontend_logs_per_minute),
      events_(parts.reactor, parts.writer, document_),
      telemetry_budget_(options.telemetry_per_minute),
      otlp_(parts.reactor, parts.writer, parts.decode_worker, telemetry_budget_,
            parts.access.token()),
      claude_hooks_(parts.reactor, parts.writer, telemetry_budget_, document_, parts.access.token(),
                    parts.spending),
      forget_(parts.log, parts.writer, parts.feed, parts.spending, document_),
      event_list_(parts.queries, document_),
      event_stream_(parts.reactor, parts.feed, parts.queries, document_),
      turn_lookup_(parts.log, parts.writer, parts.turns_worker, options.data_dir),
      story_(parts.queries, turn_lookup_),
      turns_(turn_lookup_),
      history_(parts.reactor, parts.writer),
      stats_(parts.reactor, parts.queries) {
  claude_hooks_.set_budget(options.chat_budget);
  if (options.linq_secret) {
    linq_.emplace(parts.reactor, parts.log, parts.writer, document_, *options.linq_secret);
  }
  if (options.sentry_ingest) {
    sentry_.emplace(parts.reactor, parts.log, parts.writer, document_,
                    options.sentry_envelopes_per_minute);
    sentry_->set_retention_age(options.retention.age_max_ms);
  }
}

void HttpApi::apply(const ServeOptions& options) {
  frontend_log_.set_limit(options.frontend_logs_per_minute);
  telemetry_budget_.set_limit(options.telemetry_per_minute);
  claude_hooks_.set_budget(options.chat_budget);
  if (sentry_) {
    sentry_->set_limit(options.sentry_envelopes_per_minute);
    sentry_->set_retention_age(options.retention.age_max_ms);
  }
  if (linq_ && options.linq_secret) linq_->set_secret(*options.linq_secret);
}

void HttpApi::add_routes(http::Router& router) {
  using http::Access;
  using http::Endpoint;
  using http::Method;
  const auto add_get = [&router](std::string_view path, Access access, Endpoint endpoint) {
    router.add({.method = Method::get,
                .path = path,
                .access = access,
                .body_size_max = 0,
                .is_health_poll = access == Access::anyone,
                .endpoint = endpoint});
  };
  const auto add_post = [&router](std::string_view path, Access access, std::size_t body_size_max,
                                  Endpoint endpoint) {
    router.add({.method = Method::post,
                .path = path,
                .access = access,
                .body_size_max = body_size_max,
                .is_health_poll = false,
                .endpoint = endpoint});
  };
  add_get("/health", Access::anyone, Endpoint::to<&HealthEndpoint::health>(health_));
  add_get("/livez", Access::anyone, Endpoint::to<&HealthEndpoint::livez>(health_));
  add_get("/readyz", Access::anyone, Endpoint::to<&HealthEndpoint::readyz>(health_));
  add_get("/", Access::own_names, Endpoint::to<&WebPageEndpoint::get>(page_));
  add_get("/picortex.js", Access::own_names,
          Endpoint::to<&BrowserScriptEndpoint::get>(browser_script_));
  add_post("/api/frontend-log", Access::own_names, frontend_log_size_max_,
           Endpoint::to<&FrontendLogEndpoint::post>(frontend_log_));
  add_post("/api/events", Access::write, kEventsBodySizeMax,
           Endpoint::to<&EventsEndpoint::post>(events_));
  add_post("/v1/logs", Access::telemetry, OtlpEndpoint::kBodySizeMax,
           Endpoint::to<&OtlpEndpoint::post_logs>(otlp_));
  add_post("/v1/traces", Access::telemetry, OtlpEndpoint::kBodySizeMax,
           Endpoint::to<&OtlpEndpoint::post_traces>(otlp_));
  add_post("/v1/metrics", Access::telemetry, OtlpEndpoint::kBodySizeMax,
           Endpoint::to<&OtlpEndpoint::post_metrics>(otlp_));
  add_post("/hooks/claude", Access::telemetry, ClaudeHooksEndpoint::kBodySizeMax,
           Endpoint::to<&ClaudeHooksEndpoint::post>(claude_hooks_));
  add_post("/api/forget", Access::admin, ForgetEndpoint::kBodySizeMax,
           Endpoint::to<&ForgetEndpoint::post>(forget_));
  if (linq_) {
    add_post("/webhooks/linq", Access::own_names, kWebhookBodySizeMax,
             Endpoint::to<&LinqEndpoint::post>(*linq_));
  }
  if (sentry_) add_sentry_routes(router);
  add_get("/api/events", Access::read, Endpoint::to<&EventListEndpoint::get>(event_list_));
  add_get("/api/events/stream", Access::read,
          Endpoint::to<&EventStreamEndpoint::get>(event_stream_));
  add_get("/api/story", Access::read, Endpoint::to<&StoryEndpoint::get>(story_));
  add_get("/api/turns", Access::read, Endpoint::to<&TurnsEndpoint::get>(turns_));
  add_get("/api/stats", Access::read, Endpoint::to<&StatsEndpoint::get_stats>(stats_));
  add_get("/api/histogram", Access::read, Endpoint::to<&StatsEndpoint::get_histogram>(stats_));
  add_get("/api/facets", Access::read, Endpoint::to<&StatsEndpoint::get_facets>(stats_));
  add_get("/api/chats", Access::read, Endpoint::to<&StatsEndpoint::get_chats>(stats_));
  add_get("/api/errors", Access::read, Endpoint::to<&StatsEndpoint::get_errors>(stats_));
  add_get("/api/metrics/history", Access::read, Endpoint::to<&StatsHistoryEndpoint::get>(history_));
}

void HttpApi::add_sentry_routes(http::Router& router) {
  // SDKs post to the first path; the second is for people.
  for (const std::string_view path : {"/api/*/envelope/", "/api/*/envelope"}) {
    router.add({.method = http::Method::post,
                .path = path,
                .access = http::Access::own_host,
                .body_size_max = SentryEndpoint::kBodySizeMax,
                .is_health_poll = false,
                .endpoint = http::Endpoint::to<&SentryEndpoint::post>(*sentry_)});
    router.add({.method = http::Method::options,
                .path = path,
                .access = http::Access::own_host,
                .body_size_max = 0,
                .is_health_poll = false,
                .endpoint = http::Endpoint::to<&SentryEndpoint::preflight>(*sentry_)});
  }
}

}  // namespace picortex
