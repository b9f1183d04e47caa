#include "handlers/alerts/alert_engine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/json/json_object.h"
#include "storage/query/stats/error_fingerprint.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

AlertEngine::AlertEngine(Reactor& reactor, Log& log, EventFeed& feed, const EventWriter& writer,
                         const TmuxProbe& probe, const Output& output, EventSink& rows,
                         AlertCommand& command, SpendingLedger& ledger)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      probe_(probe),
      output_(output),
      rows_(rows),
      command_(command),
      spending_(ledger),
      ticks_(reactor, kTick, Callback<>::to<&AlertEngine::on_tick>(*this)) {
  feed.add(watch_);
  feed.add(turns_);
  feed.add(errors_);
  command_.report_to(Callback<const AlertDelivery&>::to<&AlertEngine::on_delivery>(*this));
}

void AlertEngine::set_rules(std::vector<AlertRule> rules) {
  const auto lags = std::ranges::stable_partition(
      rules, [](const AlertRule& rule) { return rule.trigger != AlertRule::Trigger::ship_lag; });
  ship_lag_.adopt({std::make_move_iterator(lags.begin()), std::make_move_iterator(lags.end())});
  rules.erase(lags.begin(), lags.end());
  const auto costs = std::ranges::stable_partition(
      rules, [](const AlertRule& rule) { return rule.trigger != AlertRule::Trigger::cost; });
  spending_.adopt({std::make_move_iterator(costs.begin()), std::make_move_iterator(costs.end())});
  rules.erase(costs.begin(), costs.end());
  watch_.adopt(std::move(rules), now_ms());
}

std::int64_t AlertEngine::now_ms() const noexcept {
  return reactor_.now().time_since_epoch() / std::chrono::milliseconds(1);
}

void AlertEngine::on_tick() noexcept {
  look_at_rules();
  look_at_spending();
  look_at_lags();
  look_at_turns();
  look_at_errors();
  if (watch_.size() + spending_.size() + ship_lag_.size() == 0 && !command_.has_program()) return;
  look_at_health();
  look_at_log();
}

void AlertEngine::look_at_rules() {
  watch_.look(now_ms(), [this](const AlertRule& rule, const AlertFinding& finding) {
    const bool is_rate = rule.trigger == AlertRule::Trigger::rate;
    Report reported{.event_type = is_rate ? "alert.rate" : "alert.silent", .msg = {}, .data = {}};
    reported.msg = is_rate ? std::to_string(finding.count) + " events fit the rule: "
                           : "no event has fit the rule for " +
                                 std::to_string(finding.silent_ms / 1000) + " s: ";
    reported.msg += rule.text;
    JsonObject(reported.data)
        .text("rule", rule.text)
        .number(is_rate ? "count" : "silent_seconds",
                is_rate ? static_cast<std::int64_t>(finding.count) : finding.silent_ms / 1000);
    alert_operator(reported);
  });
}

void AlertEngine::look_at_spending() {
  const ClockReading now{reactor_.now(), reactor_.unix_ms()};
  spending_.look(now, [this](const AlertRule& rule, std::string_view chat, std::int64_t micros) {
    Report reported{
        .event_type = "alert.cost", .msg = {}, .data = {}, .chat_id = std::string(chat)};
    reported.msg = (chat.empty() ? "the agents have spent " : "the chat's agent has spent ") +
                   dollars_text(micros) + " within " + window_text(rule.spending.window_ms) +
                   ", which the rule reports: " + rule.text;
    JsonObject(reported.data)
        .text("rule", rule.text)
        .number("cost_usd", static_cast<double>(micros) / 1e6);
    alert_operator(reported);
  });
}

void AlertEngine::look_at_lags() {
  ship_lag_.look(lags_, now_ms(), [this](const AlertRule& rule, const TargetLag& lag) {
    Report reported{.event_type = "alert.ship_lag", .msg = {}, .data = {}};
    reported.msg = "shipping to " + lag.target + " is " + std::to_string(lag.ms / 1000) +
                   " s late, with " + std::to_string(lag.events) +
                   " events to go, which the rule reports: " + rule.text;
    JsonObject(reported.data)
        .text("rule", rule.text)
        .text("target", lag.target)
        .number("lag_events", lag.events)
        .number("lag_seconds", lag.ms / 1000);
    alert_operator(reported);
  });
}

void AlertEngine::look_at_turns() {
  turns_.look(now_ms(), [this](const TurnAlert& alert) {
    Report reported = report_of(alert);
    reported.chat_id = alert.chat_id;
    reported.request_id = alert.request_id;
    if (alert.suppressed > 0) {
      JsonObject::reopened(reported.data).number("suppressed", alert.suppressed);
    }
    alert_operator(reported);
  });
}

AlertEngine::Report AlertEngine::report_of(const TurnAlert& alert) {
  Report reported{.event_type = {}, .msg = {}, .data = {}};
  switch (alert.kind) {
    case TurnAlert::Kind::waiting:
      reported.event_type = "turn.waiting";
      reported.msg = "the agent waits for a permission: " + alert.text;
      JsonObject(reported.data).text("question", alert.text);
      break;
    case TurnAlert::Kind::lost:
      reported.event_type = "turn.lost";
      reported.msg = "no prompt has followed this message for 30 s";
      JsonObject(reported.data).number("after_seconds", TurnWatch::kLostAfterMs / 1000);
      break;
    case TurnAlert::Kind::failed:
      reported.event_type = "turn.failed";
      reported.level = Level::error;
      reported.msg = "the model's API has failed for good: " + alert.text;
      JsonObject(reported.data).text("error", alert.text);
  }
  return reported;
}

void AlertEngine::look_at_errors() {
  errors_.look(now_ms(), [this](const ReturnedError& error) {
    alert_operator(report_of(error));
    note_returned(error);
  });
}

AlertEngine::Report AlertEngine::report_of(const ReturnedError& error) {
  Report reported{.event_type = "error.returned",
                  .msg = "a resolved error has come again: " + error.title,
                  .data = {},
                  .chat_id = error.chat_id,
                  .request_id = error.request_id,
                  .calls_operator = error.calls_operator};
  JsonObject(reported.data)
      .text("fingerprint", error_group_id(error.group))
      .time("resolved_at", error.resolved_ms)
      .time("returned_at", error.returned_ms)
      .id("error_event", error.event);
  if (error.suppressed > 0) {
    JsonObject::reopened(reported.data).number("suppressed", error.suppressed);
  }
  return reported;
}

// If this row is lost, the kind is still resolved at the next start, and its next error is reported.
void AlertEngine::note_returned(const ReturnedError& error) {
  const std::string id = error_group_id(error.group);
  std::string data;
  JsonObject(data).text("fingerprint", id).text("state", error_state_label(ErrorState::returned));
  // An operator may have said more since the error was stored, which counts. The client that resolved
  // the group may have chosen a time up to a day ahead: this state counts after it.
  rows_.store({.time_ms = std::max(error.stored_ms, error.resolved_ms + 1),
               .level = Level::info,
               .event_type = kErrorStateType,
               .chat_id = {},
               .msg = "errors of " + id + " have returned",
               .data = data,
               .request_id = error.request_id,
               .id = std::nullopt});
}

void AlertEngine::look_at_health() {
  const bool db_ok = writer_.is_available();
  const bool tmux_ok = probe_.is_ok();
  const auto change = health_.look(db_ok && tmux_ok, now_ms());
  if (!change) return;
  const bool is_ok = *change == HealthWatch::Change::ok;
  std::string msg = "health is ok again";
  if (!is_ok) {
    msg = std::string("health is degraded: ") + (db_ok ? "" : "the database") +
          (db_ok || tmux_ok ? "" : " and ") + (tmux_ok ? "" : "tmux");
  }
  Report reported{.event_type = "alert.health",
                  .level = is_ok ? Level::info : Level::warn,
                  .msg = std::move(msg),
                  .data = {}};
  JsonObject(reported.data)
      .text("status", is_ok ? "ok" : "degraded")
      .boolean("db_ok", db_ok)
      .boolean("tmux_ok", tmux_ok);
  alert_operator(reported);
}

void AlertEngine::look_at_log() {
  // Once for each failure: the alert's own line is lost as well, and must not cause another alert.
  if (output_.is_failing()) {
    lines_dropped_ = output_.lines_dropped();
    if (std::exchange(failure_reported_, true)) return;
    Report reported{
        .event_type = "alert.log_dropped", .msg = "stdout cannot be written: ", .data = {}};
    reported.msg += std::strerror(output_.last_error());
    JsonObject(reported.data).text("error", std::strerror(output_.last_error()));
    return alert_operator(reported);
  }
  failure_reported_ = false;
  const std::uint64_t dropped = output_.lines_dropped() - lines_dropped_;
  if (dropped == 0 || (drop_reported_ms_ && now_ms() - *drop_reported_ms_ < kDropCooldownMs))
    return;
  lines_dropped_ += dropped;
  drop_reported_ms_ = now_ms();
  Report reported{.event_type = "alert.log_dropped",
                  .msg = std::to_string(dropped) + " log lines were dropped",
                  .data = {}};
  JsonObject(reported.data).number("lines", dropped);
  alert_operator(reported);
}

void AlertEngine::on_delivery(const AlertDelivery& delivery) noexcept {
  const bool done = delivery.delivered;
  Report reported{.event_type = done ? "alert.delivered" : "alert.given_up",
                  .level = done ? Level::info : Level::error,
                  .msg = done ? "the alert command has taken the alert"
                              : "the alert command has failed for the last time",
                  .data = {}};
  JsonObject(reported.data).number("tries", delivery.tries);
  report(reported, delivery.request_id);
}

void AlertEngine::alert_operator(const Report& reported) {
  ++raised_;
  const Uuid request_id =
      reported.request_id ? *reported.request_id : ids_.next(reactor_.unix_ms());
  report(reported, request_id);
  if (!reported.calls_operator) return;
  command_.send({.event_type = reported.event_type,
                 .time_ms = reactor_.unix_ms(),
                 .request_id = request_id,
                 .chat_id = reported.chat_id,
                 .msg = reported.msg,
                 .data = reported.data});
}

void AlertEngine::report(const Report& reported, const Uuid& request_id) {
  log_.line(reported.level, reported.event_type,
            {.request_id = &request_id, .chat_id = reported.chat_id})
      .members(reported.data)
      .message(reported.msg);
  rows_.store({.time_ms = reactor_.unix_ms(),
               .level = reported.level,
               .event_type = reported.event_type,
               .chat_id = reported.chat_id,
               .msg = reported.msg,
               .data = reported.data,
               .request_id = request_id,
               .id = std::nullopt});
}

void AlertEngine::append_status(JsonObject& status) const {
  status.object("alerts")
      .number("rules", watch_.size() + spending_.size() + ship_lag_.size())
      .number("raised", raised_)
      .number("started", command_.started())
      .number("failed", command_.failed())
      .number("given_up", command_.given_up())
      .number("dropped", command_.dropped());
}

}  // namespace picortex
