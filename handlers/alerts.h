#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid_v7.h"
#include "handlers/alert_watch.h"
#include "handlers/event_feed.h"
#include "handlers/event_writer.h"
#include "handlers/health_watch.h"
#include "handlers/status.h"
#include "handlers/tmux_probe.h"
#include "reactor/alert_command.h"
#include "reactor/output.h"
#include "storage/event_sink.h"

namespace picortex {

// Tells the owner, once a second where there is something to tell:
//
//   alert.rate, alert.silent  (warn)   a rule of his
//   alert.health              (warn)   health is degraded, or (info) well again
//   alert.log_dropped         (warn)   log lines were dropped
//   alert.delivered           (info)   the alert command has taken an alert, one of the fence's too
//   alert.given_up            (error)  it has failed for the last time
//
// Each is a line, a row, and, but for the last two, a call of the alert command, all under one
// request ID. A row that finds the store down is lost; its line and its call are not. Health and
// dropped lines are looked at only where somebody wants to know: there are rules, or a command.
class Alerts final : public StatusSection {
 public:
  static constexpr std::int64_t kDropCooldownMs = 15 * 60'000;

  // What is passed by reference outlives this.
  Alerts(Reactor& reactor, Log& log, EventFeed& feed, const EventWriter& writer,
         const TmuxProbe& probe, const Output& output, EventSink& rows, AlertCommand& command);

  void set_rules(std::vector<AlertRule> rules);
  void start();
  void stop();

  void append_status(std::string& out) const override;

 private:
  struct Told {
    std::string_view event_type;
    Level level = Level::warn;
    std::string msg;
    std::string data;  // a JSON object
  };

  static void on_delivery(void* owner, const AlertDelivery& delivery) noexcept;
  void on_tick() noexcept;
  void look_at_rules();
  void look_at_health();
  void look_at_log();
  void tell_owner(const Told& told);
  void tell(const Told& told, const Uuid& request_id);
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
  HealthWatch health_;
  std::uint64_t lines_dropped_ = 0;  // when that was told last
  std::optional<std::int64_t> drop_told_ms_;
  std::uint64_t raised_ = 0;
  DeadlineList ticks_;
  Deadline tick_ = Deadline::to<&Alerts::on_tick>(*this);
};

}  // namespace picortex
