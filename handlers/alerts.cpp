#include "handlers/alerts.h"

#include <chrono>
#include <utility>

#include "base/json_members.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

Alerts::Alerts(Reactor& reactor, Log& log, EventFeed& feed, const EventWriter& writer,
               const TmuxProbe& probe, const Output& output, EventSink& rows, AlertCommand& command)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      probe_(probe),
      output_(output),
      rows_(rows),
      command_(command),
      ticks_(kTick) {
  reactor_.add(ticks_);
  feed.watch(watch_);
  command_.report_to(this, &Alerts::on_delivery);
}

void Alerts::set_rules(std::vector<AlertRule> rules) { watch_.adopt(std::move(rules), now_ms()); }

void Alerts::start() { ticks_.start(tick_, reactor_.now()); }

void Alerts::stop() { tick_.stop(); }

std::int64_t Alerts::now_ms() const noexcept {
  return reactor_.now().time_since_epoch() / std::chrono::milliseconds(1);
}

void Alerts::on_tick() noexcept {
  ticks_.start(tick_, reactor_.now());
  look_at_rules();
  if (watch_.size() == 0 && !command_.has_program()) return;
  look_at_health();
  look_at_log();
}

void Alerts::look_at_rules() {
  watch_.look(now_ms(), [this](const AlertRule& rule, const AlertFinding& finding) {
    const bool is_rate = rule.trigger == AlertRule::Trigger::rate;
    Told told{.event_type = is_rate ? "alert.rate" : "alert.silent", .msg = {}, .data = {}};
    told.msg = is_rate ? std::to_string(finding.count) + " events fit the rule: "
                       : "no event has fit the rule for " +
                             std::to_string(finding.silent_ms / 1000) + " s: ";
    told.msg += rule.text;
    JsonMembers(told.data)
        .text("rule", rule.text)
        .number(is_rate ? "count" : "silent_seconds",
                is_rate ? static_cast<std::int64_t>(finding.count) : finding.silent_ms / 1000)
        .close();
    tell_owner(told);
  });
}

void Alerts::look_at_health() {
  const bool db_ok = writer_.is_available();
  const bool tmux_ok = probe_.is_ok();
  const auto turn = health_.look(db_ok && tmux_ok, now_ms());
  if (!turn) return;
  const bool is_ok = *turn == HealthWatch::Turn::ok;
  std::string msg = "health is ok again";
  if (!is_ok) {
    msg = std::string("health is degraded: ") + (db_ok ? "" : "the database") +
          (db_ok || tmux_ok ? "" : " and ") + (tmux_ok ? "" : "tmux");
  }
  Told told{.event_type = "alert.health",
            .level = is_ok ? Level::info : Level::warn,
            .msg = std::move(msg),
            .data = {}};
  JsonMembers(told.data)
      .text("status", is_ok ? "ok" : "degraded")
      .truth("db_ok", db_ok)
      .truth("tmux_ok", tmux_ok)
      .close();
  tell_owner(told);
}

void Alerts::look_at_log() {
  const std::uint64_t dropped = output_.lines_dropped() - lines_dropped_;
  if (dropped == 0 || (drop_told_ms_ && now_ms() - *drop_told_ms_ < kDropCooldownMs)) return;
  lines_dropped_ += dropped;
  drop_told_ms_ = now_ms();
  Told told{.event_type = "alert.log_dropped",
            .msg = std::to_string(dropped) + " log lines were dropped",
            .data = {}};
  JsonMembers(told.data).number("lines", static_cast<std::int64_t>(dropped)).close();
  tell_owner(told);
}

void Alerts::on_delivery(void* owner, const AlertDelivery& delivery) noexcept {
  const bool done = delivery.delivered;
  Told told{.event_type = done ? "alert.delivered" : "alert.given_up",
            .level = done ? Level::info : Level::error,
            .msg = done ? "the alert command has taken the alert"
                        : "the alert command has failed for the last time",
            .data = {}};
  JsonMembers(told.data).number("tries", std::int64_t{delivery.tries}).close();
  static_cast<Alerts*>(owner)->tell(told, delivery.request_id);
}

void Alerts::tell_owner(const Told& told) {
  ++raised_;
  const Uuid request_id = ids_.next(reactor_.unix_ms());
  tell(told, request_id);
  command_.send({.event_type = told.event_type,
                 .time_ms = reactor_.unix_ms(),
                 .request_id = request_id,
                 .msg = told.msg,
                 .data = told.data});
}

void Alerts::tell(const Told& told, const Uuid& request_id) {
  log_.line(told.level, told.event_type, {.request_id = &request_id})
      .members(told.data)
      .message(told.msg);
  rows_.store({.time_ms = reactor_.unix_ms(),
               .level = told.level,
               .event_type = told.event_type,
               .chat_id = {},
               .msg = told.msg,
               .data = told.data,
               .request_id = request_id,
               .id = std::nullopt});
}

void Alerts::append_status(std::string& out) const {
  std::string figures;
  JsonMembers(figures)
      .number("rules", static_cast<std::int64_t>(watch_.size()))
      .number("raised", static_cast<std::int64_t>(raised_))
      .number("started", static_cast<std::int64_t>(command_.started()))
      .number("failed", static_cast<std::int64_t>(command_.failed()))
      .number("given_up", static_cast<std::int64_t>(command_.given_up()))
      .number("dropped", static_cast<std::int64_t>(command_.dropped()))
      .close();
  out.append(",\"alerts\":").append(figures);
}

}  // namespace picortex
