#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "handlers/alerts/alert_engine.h"
#include "handlers/ops/status_endpoint.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/log.h"
#include "reactor/periodic_timer.h"
#include "reactor/reactor.h"
#include "reactor/worker.h"
#include "ship/ship_state.h"
#include "storage/event_sink.h"

namespace picortex {

// What the daemon knows of `picortex ship`: how far each target is, from the files that the shipper
// writes in <data dir>/ship. Reads them every 2 seconds, on a thread of its own that is started once
// there is such a directory: without a target nothing changes.
//
// - /api/status shows each target as `ship status --json` does.
// - The alert engine gets the targets' lags.
// - Retention counts what it deletes before a target has it. That is reported once a minute and
//   target, as the event ship.lapsed.
//
// A target counts as long as its directory is there.
class ShipWatch final : public StatusSection {
 public:
  // References passed in must outlive this object.
  ShipWatch(Reactor& reactor, Log& log, EventWriter& writer, AlertEngine& alerts, EventSink& rows,
            std::string data_dir);

  void start() { ticks_.start(); }
  void stop() noexcept { ticks_.stop(); }
  bool is_idle() const noexcept { return worker_ == nullptr || !worker_->is_busy(); }

  void append_status(JsonObject& status) const override;

 private:
  struct Target {
    std::string name;
    ShipPosition position;
    ShipStatus status;
    std::string error;  // of the files
    // As people know it.
    const std::string& shown() const noexcept {
      return status.target.empty() ? name : status.target;
    }
  };

  void on_tick() noexcept;
  bool start_worker();
  void read() noexcept;
  void on_read() noexcept;
  ShipLag lag_of(const Target& target) const noexcept;
  void report_lapsed();

  Reactor& reactor_;
  Log& log_;
  EventWriter& writer_;
  AlertEngine& alerts_;
  EventSink& rows_;
  const std::string data_dir_;
  std::unique_ptr<Worker> worker_;
  std::vector<Target> reading_;  // the thread's, while the worker is busy
  std::vector<Target> targets_;
  std::map<std::string, std::int64_t> lapsed_;      // by name, not reported yet
  std::map<std::string, Instant> lapsed_reported_;  // by name
  UuidV7Generator ids_;
  PeriodicTimer ticks_;
};

}  // namespace picortex
