#include "handlers/health.h"

#include <array>
#include <utility>

#include "base/json_text.h"

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

Health::Health(Reactor& reactor, EventWriter& writer, const TmuxProbe& probe,
               std::string_view version, std::string_view commit)
    : reactor_(reactor), writer_(writer), probe_(probe), started_at_(reactor.now()) {
  build_ = "\"version\":";
  append_json_string(build_, version);
  build_ += ",\"commit\":";
  append_json_string(build_, commit);
}

void Health::health(http::Exchange& exchange) noexcept {
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

void Health::render() {
  ++renderings_;
  body_.clear();
  body_ += "{\"status\":\"";
  body_ += state_.db_ok && state_.tmux_ok ? "ok" : "degraded";
  body_ += "\",";
  body_ += build_;
  body_ += ",\"uptime_seconds\":";
  append_json_number(body_, state_.uptime_s);
  body_ += ",\"db_ok\":";
  body_ += state_.db_ok ? "true" : "false";
  body_ += ",\"tmux_ok\":";
  body_ += state_.tmux_ok ? "true" : "false";
  body_ += ",\"metrics\":{";
  for (const auto& [name, member] : kMetrics) {
    if (body_.back() != '{') body_ += ',';
    append_json_string(body_, name);
    body_ += ':';
    append_json_number(body_, state_.metrics.*member);
  }
  body_ += "}}";
}

void Health::livez(http::Exchange& exchange) noexcept {
  exchange.respond({.body = R"({"status":"alive"})"});
}

void Health::readyz(http::Exchange& exchange) noexcept {
  if (draining_) return exchange.fail(503, "The daemon is about to end");
  if (!writer_.is_available()) return exchange.fail(503, "The database cannot be written");
  if (writer_.disk_is_low()) return exchange.fail(503, "The disk is nearly full");
  exchange.respond({.body = R"({"status":"ready"})"});
}

}  // namespace picortex
