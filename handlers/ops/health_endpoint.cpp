#include "handlers/ops/health_endpoint.h"

#include <array>
#include <utility>

#include "base/json/json_object.h"

namespace picortex {
namespace {

using Field = std::pair<std::string_view, std::int64_t Metrics::*>;

constexpr std::array<Field, 6> kMetrics{
    {{"chats_total", &Metrics::chats_total},
     {"chats_active_7d", &Metrics::chats_active_7d},
     {"turns_total", &Metrics::turns_total},
     {"turns_last_24h", &Metrics::turns_last_24h},
     {"discriminator_skipped_24h", &Metrics::discriminator_skipped_24h},
     {"errors_last_24h", &Metrics::errors_last_24h}}};

}  // namespace

HealthEndpoint::HealthEndpoint(Reactor& reactor, EventWriter& writer, const TmuxProbe& probe,
                               std::string_view version, std::string_view commit)
    : reactor_(reactor), writer_(writer), probe_(probe), started_at_(reactor.now()) {
  JsonObject(build_).text("version", version).text("commit", commit);
}

void HealthEndpoint::health(http::Exchange& exchange) noexcept {
  const State state{.uptime_s = (reactor_.now() - started_at_) / std::chrono::seconds(1),
                    .db_ok = writer_.is_available(),
                    .tmux_ok = probe_.is_ok(),
                    .metrics = writer_.metrics()};
  if (state != state_) {
    state_ = state;
    render();
  }
  exchange.respond({.status = state_.db_ok ? 200 : 503, .body = body_});
}

void HealthEndpoint::render() {
  ++renderings_;
  body_.clear();
  JsonObject health(body_);
  health.text("status", state_.db_ok && state_.tmux_ok ? "ok" : "degraded").members(build_);
  health.number("uptime_seconds", state_.uptime_s);
  health.boolean("db_ok", state_.db_ok).boolean("tmux_ok", state_.tmux_ok);
  JsonObject metrics = health.object("metrics");
  for (const auto& [name, member] : kMetrics) metrics.number(name, state_.metrics.*member);
}

void HealthEndpoint::livez(http::Exchange& exchange) noexcept {
  exchange.respond({.body = R"({"status":"alive"})"});
}

void HealthEndpoint::readyz(http::Exchange& exchange) noexcept {
  if (draining_) return exchange.fail(503, "The daemon is about to end");
  if (!writer_.is_available()) return exchange.fail(503, "The database cannot be written");
  if (writer_.log_is_full()) {
    return exchange.fail(503, "A reader holds the database's log, which has become too long");
  }
  if (writer_.disk_is_low()) return exchange.fail(503, "The disk is nearly full");
  exchange.respond({.body = R"({"status":"ready"})"});
}

}  // namespace picortex
