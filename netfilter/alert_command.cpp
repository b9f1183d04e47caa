#include "netfilter/alert_command.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <utility>

namespace picortex {

AlertCommand::AlertCommand(Reactor& reactor, Log& log, std::string program, Nanoseconds time_limit)
    : reactor_(reactor), log_(log), time_limits_(time_limit) {
  set_program(std::move(program));
  for (std::size_t i = 0; i < kRunningMax; ++i) runs_.emplace_back(*this);
  reactor_.add(time_limits_);
}

void AlertCommand::set_program(std::string program) {
  arguments_.clear();
  if (!program.empty()) arguments_.push_back(std::move(program));
}

void AlertCommand::send(std::string event, const Uuid& request_id) {
  if (arguments_.empty() || stopping_) return;
  if (waiting_.size() == kWaitingMax) {
    ++dropped_;
    return;
  }
  event += '\n';
  waiting_.push_back({std::move(event), request_id});
  start_waiting();
}

void AlertCommand::stop() {
  stopping_ = true;
  waiting_.clear();
  for (Run& run : runs_) run.child.kill();
}

bool AlertCommand::is_idle() const noexcept {
  return waiting_.empty() &&
         std::ranges::all_of(runs_, [](const Run& run) { return run.child.is_idle(); });
}

void AlertCommand::start_waiting() {
  for (Run& run : runs_) {
    while (!waiting_.empty() && run.child.is_idle()) {
      Alert alert = std::move(waiting_.front());
      waiting_.pop_front();
      start(run, std::move(alert));
    }
  }
  if (waiting_.size() < kWaitingMax / 2) report_dropped();
}

void AlertCommand::start(Run& run, Alert alert) {
  run.request_id = alert.request_id;
  const std::array variables{"PICORTEX_REQUEST_ID=" + to_string(alert.request_id)};
  if (auto begun = run.child.start(arguments_, variables, std::move(alert.event)); !begun) {
    return report_failure(run.request_id, begun.error().what, {});
  }
  ++started_;
}

void AlertCommand::Run::on_exit(void* bound, const ChildExit& exit) noexcept {
  auto& run = *static_cast<Run*>(bound);
  AlertCommand& owner = run.owner;
  if (!owner.stopping_) {
    if (exit.timed_out) {
      owner.report_failure(run.request_id, "its time was up", exit.error_text);
    } else if (exit.signal != 0) {
      const char* name = sigabbrev_np(exit.signal);
      owner.report_failure(run.request_id,
                           std::string("ended by SIG") + (name != nullptr ? name : "?"),
                           exit.error_text);
    } else if (exit.status != 0) {
      owner.report_failure(run.request_id, "exit status " + std::to_string(exit.status),
                           exit.error_text);
    }
  }
  owner.start_waiting();
}

void AlertCommand::report_failure(const Uuid& request_id, std::string_view reason,
                                  std::string_view output) {
  ++failed_;
  log_.line(Level::error, "alert.failed", {.request_id = &request_id})
      .text("command", arguments_.front())
      .text("reason", reason)
      .text("stderr", output)
      .message("the alert command failed");
}

void AlertCommand::report_dropped() {
  if (dropped_ == dropped_reported_) return;
  log_.line(Level::error, "alert.dropped")
      .number("dropped", static_cast<std::int64_t>(dropped_ - dropped_reported_))
      .message("alerts came faster than the alert command could take them");
  dropped_reported_ = dropped_;
}

}  // namespace picortex
