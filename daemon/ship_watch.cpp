#include "daemon/ship_watch.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/json/json_object.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kTick{2};
constexpr std::chrono::seconds kReportPause{60};

}  // namespace

ShipWatch::ShipWatch(Reactor& reactor, Log& log, EventWriter& writer, AlertEngine& alerts,
                     EventSink& rows, std::string data_dir)
    : reactor_(reactor),
      log_(log),
      writer_(writer),
      alerts_(alerts),
      rows_(rows),
      data_dir_(std::move(data_dir)),
      ticks_(reactor, kTick, Callback<>::to<&ShipWatch::on_tick>(*this)) {}

void ShipWatch::on_tick() noexcept {
  for (const auto& [name, events] : writer_.take_lapsed()) lapsed_[name] += events;
  report_lapsed();
  if (start_worker() && !worker_->is_busy()) {
    worker_->run<&ShipWatch::read, &ShipWatch::on_read>(*this);
  }
}

// Without a directory there is nothing to read.
bool ShipWatch::start_worker() {
  if (worker_ != nullptr) return true;
  if (access((data_dir_ + "/ship").c_str(), F_OK) != 0) return false;
  // Without a thread the next tick tries again.
  if (auto started = Worker::start(reactor_)) worker_ = *std::move(started);
  return worker_ != nullptr;
}

void ShipWatch::read() noexcept {
  reading_.clear();
  for (std::string& name : shipped_targets(data_dir_)) {
    const ShipFiles files(data_dir_, name);
    Target& target = reading_.emplace_back();
    target.name = std::move(name);
    target.status = files.load_status();
    if (auto position = files.load_position()) {
      target.position = *position;
    } else {
      target.error = position.error().what;
    }
  }
}

void ShipWatch::on_read() noexcept {
  targets_.swap(reading_);
  std::vector<ConsumerPlace> places;
  std::vector<TargetLag> lags;
  for (const Target& target : targets_) {
    places.push_back({target.name, target.position.epoch, target.position.place});
    const ShipLag lag = lag_of(target);
    lags.push_back({target.shown(), lag.events, lag.ms});
  }
  writer_.note_consumers(std::move(places));
  alerts_.note_lags(std::move(lags));
}

ShipLag ShipWatch::lag_of(const Target& target) const noexcept {
  return picortex::lag_of(target.position, writer_.arrival_epoch(), writer_.last_arrival(),
                          reactor_.unix_ms());
}

void ShipWatch::report_lapsed() {
  if (!writer_.is_available()) return;
  const auto is_gone = [this](const auto& entry) {
    return std::ranges::find(targets_, entry.first, &Target::name) == targets_.end();
  };
  std::erase_if(lapsed_, is_gone);
  std::erase_if(lapsed_reported_, is_gone);
  for (const Target& target : targets_) {
    const auto lapsed = lapsed_.find(target.name);
    if (lapsed == lapsed_.end()) continue;
    const auto reported = lapsed_reported_.find(target.name);
    if (reported != lapsed_reported_.end() && reactor_.now() - reported->second < kReportPause) {
      continue;
    }
    lapsed_reported_[target.name] = reactor_.now();
    const std::int64_t events = lapsed->second;
    lapsed_.erase(lapsed);
    const Uuid request_id = ids_.next(reactor_.unix_ms());
    const std::string msg = std::to_string(events) + (events == 1 ? " event was" : " events were") +
                            " deleted before " + target.shown() + " had " +
                            (events == 1 ? "it" : "them");
    std::string data;
    JsonObject(data).text("target", target.shown()).number("events", events);
    log_.line(Level::warn, "ship.lapsed", {.request_id = &request_id}).members(data).message(msg);
    rows_.store({.time_ms = reactor_.unix_ms(),
                 .level = Level::warn,
                 .event_type = "ship.lapsed",
                 .chat_id = {},
                 .msg = msg,
                 .data = data,
                 .request_id = request_id,
                 .id = std::nullopt});
  }
}

void ShipWatch::append_status(JsonObject& status) const {
  JsonArray targets = status.array("ship");
  for (const Target& target : targets_) {
    const ShipLag lag = lag_of(target);
    targets.object()
        .text("target", target.shown())
        .text("name", target.name)
        .text("state", target.status.state)
        .number("lag_events", lag.events)
        .number("lag_ms", lag.ms)
        .number("events_per_second", target.status.rate)
        .number("shipped", target.position.shipped)
        .number("rejected", target.position.rejected)
        .number("lapsed", target.position.lapsed)
        .text("error", target.error.empty() ? target.status.error : target.error)
        .number("retries", target.status.retries);
  }
}

}  // namespace picortex
