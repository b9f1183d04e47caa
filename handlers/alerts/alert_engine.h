#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid/uuid_v7.h"
#include "handlers/alerts/alert_command.h"
#include "handlers/alerts/alert_watch.h"
#include "handlers/alerts/returned_error_watch.h"
#include "handlers/alerts/ship_lag_watch.h"
#include "handlers/alerts/spending_watch.h"
#include "handlers/alerts/turn_watch.h"
#include "handlers/ops/health_watch.h"
#include "handlers/ops/status_endpoint.h"
#include "handlers/ops/tmux_probe.h"
#include "handlers/pipeline/event_feed.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/output.h"
#include "reactor/periodic_timer.h"
#include "storage/event_sink.h"

namespace picortex {

// Alerts the operator, checking once a second:
//
//   alert.rate, alert.silent  (warn)   a rule of the operator's
//   alert.cost                (warn)   a rule of the operator's, for a chat or for all
//   alert.ship_lag            (warn)   a rule of the operator's, for a target of `picortex ship`
//   turn.waiting, turn.lost   (warn)   an agent waits for a permission; a message has no prompt
//   turn.failed               (error)  the model's API has failed for good
//   error.returned            (warn)   a kind of error that was resolved has come again
//   alert.health              (warn)   health is degraded, or (info) ok again
//   alert.log_dropped         (warn)   log lines were dropped, or stdout cannot be written at all
//   alert.delivered           (info)   the alert command has taken an alert, including the fence's
//   alert.given_up            (error)  the alert command has failed for the last time
//
// Each is a log line, a database row, and, except the last two, a call of the alert command, all
// under one request ID: that of the turn for those about turns, and of the event for those about an
// error. A row is lost while the store is down; its line and its call are not. Of error.returned
// follows a second row, `error.state`, by which the kind counts as returned.
// Health and dropped lines are checked only if there are rules or a command.
class AlertEngine final : public StatusSection {
 public:
  static constexpr std::int64_t kDropCooldownMs = 15 * 60'000;

  // References passed in must outlive this object.
  AlertEngine(Reactor& reactor, Log& log, EventFeed& feed, const EventWriter& writer,
              const TmuxProbe& probe, const Output& output, EventSink& rows, AlertCommand& command,
              SpendingLedger& ledger);

  void set_rules(std::vector<AlertRule> rules);
  // How far each target is; looked at with the next tick, and at every one until it is replaced.
  void note_lags(std::vector<TargetLag> lags) { lags_ = std::move(lags); }
  void start() { ticks_.start(); }
  void stop() { ticks_.stop(); }

  void append_status(JsonObject& status) const override;

 private:
  struct Report {
    std::string_view event_type;
    Level level = Level::warn;
    std::string msg;
    std::string data;                  // a JSON object
    std::string chat_id = {};          // empty: in no chat
    std::optional<Uuid> request_id{};  // none: one of its own
    bool calls_operator = true;
  };

  void on_delivery(const AlertDelivery& delivery) noexcept;
  void on_tick() noexcept;
  void look_at_rules();
  void look_at_spending();
  void look_at_lags();
  void look_at_turns();
  void look_at_errors();
  static Report report_of(const TurnAlert& alert);
  static Report report_of(const ReturnedError& error);
  void note_returned(const ReturnedError& error);
  void look_at_health();
  void look_at_log();
  void alert_operator(const Report& reported);
  void report(const Report& reported, const Uuid& request_id);
  std::int64_t now_ms() const noexcept;

  Reactor& reactor_;
  Log& log_;
  const EventWriter& writer_;
  const TmuxProbe& probe_;
  const Output& output_;
  EventSink& rows_;
  AlertCommand& command_;
  UuidV7Generator ids_;
  AlertWatch watch_;
  SpendingWatch spending_;
  ShipLagWatch ship_lag_;
  std::vector<TargetLag> lags_;
  TurnWatch turns_;
  ReturnedErrorWatch errors_;
  HealthWatch health_;
  std::uint64_t lines_dropped_ = 0;  // at the last report
  std::optional<std::int64_t> drop_reported_ms_;
  bool failure_reported_ = false;  // true from an alert about stdout until it is writable again
  std::uint64_t raised_ = 0;
  PeriodicTimer ticks_;
};

}  // namespace picortex
