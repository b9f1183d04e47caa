#include "handlers/alerts/alert_command.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "base/json/json_object.h"
#include "base/time/timestamp.h"

namespace picortex {
namespace {

// Returns why the program failed; empty if it succeeded.
std::string failure_of(const ChildExit& exit) {
  if (exit.timed_out) return "timed out";
  if (exit.signal != 0) {
    const char* name = sigabbrev_np(exit.signal);
    return std::string("ended by SIG") + (name != nullptr ? name : "?");
  }
  return exit.status == 0 ? std::string() : "exit status " + std::to_string(exit.status);
}

std::string json_of(const Alert& alert) {
  std::string text;
  {
    JsonObject object(text);
    object.text("event_type", alert.event_type).time("time", alert.time_ms);
    object.id("request_id", alert.request_id);
    if (!alert.chat_id.empty()) object.text("chat_id", alert.chat_id);
    object.text("msg", alert.msg).members(alert.data);
  }
  text += '\n';
  return text;
}

}  // namespace

AlertCommand::AlertCommand(Reactor& reactor, Log& log, std::string program, Nanoseconds time_limit,
                           const Pauses& pauses)
    : reactor_(reactor), log_(log), time_limits_(time_limit) {
  set_program(std::move(program));
  for (std::size_t i = 0; i < kRunningMax; ++i) runs_.emplace_back(*this);
  reactor_.add(time_limits_);
  for (const Nanoseconds pause : pauses) reactor_.add(pauses_.emplace_back(pause));
}

AlertCommand::~AlertCommand() { stop(); }

void AlertCommand::set_program(std::string program) {
  arguments_.clear();
  if (!program.empty()) arguments_.push_back(std::move(program));
}

void AlertCommand::send(const Alert& alert) {
  if (arguments_.empty() || stopping_) return;
  if (waiting_.size() + retries_.size() >= kWaitingMax) {
    ++dropped_;
    return;
  }
  waiting_.push_back({.text = json_of(alert), .request_id = alert.request_id});
  start_waiting();
}

void AlertCommand::stop() {
  stopping_ = true;
  waiting_.clear();
  for (Retry& retry : retries_) retry.deadline.stop();
  retries_.clear();
  for (Run& run : runs_) run.child.kill();
}

bool AlertCommand::is_idle() const noexcept {
  return waiting_.empty() && retries_.empty() &&
         std::ranges::all_of(runs_, [](const Run& run) { return run.child.is_idle(); });
}

void AlertCommand::start_waiting() {
  for (Run& run : runs_) {
    while (!waiting_.empty() && run.child.is_idle()) {
      run.message = std::move(waiting_.front());
      waiting_.pop_front();
      start(run);
    }
  }
  if (waiting_.size() + retries_.size() < kWaitingMax / 2) report_dropped();
}

void AlertCommand::start(Run& run) {
  ++run.message.tries;
  const std::array variables{"PICORTEX_REQUEST_ID=" + to_string(run.message.request_id)};
  const auto begun = run.child.start(arguments_, variables, run.message.text);
  if (!begun) return conclude(run, begun.error().what, {});
  ++started_;
}

void AlertCommand::Run::on_exit(const ChildExit& exit) noexcept {
  if (owner.stopping_) return;
  owner.conclude(*this, failure_of(exit), exit.error_text);
  owner.start_waiting();
}

// Ends a try; without a `failure` it was the last one.
void AlertCommand::conclude(Run& run, std::string_view failure, std::string_view output) {
  Message& message = run.message;
  const bool is_last = failure.empty() || message.tries > kRetries || arguments_.empty();
  if (!failure.empty()) {
    ++failed_;
    log_.line(Level::error, "alert.failed", {.request_id = &message.request_id})
        .text("command", arguments_.empty() ? std::string_view() : arguments_.front())
        .text("reason", failure)
        .text("stderr", output)
        .number("try", std::int64_t{message.tries})
        .message(is_last ? "the alert command failed"
                         : "the alert command failed; it is tried again");
    if (!is_last) return try_again(std::move(message));
    ++given_up_;
  }
  on_delivery_(
      {.request_id = message.request_id, .delivered = failure.empty(), .tries = message.tries});
}

void AlertCommand::try_again(Message message) {
  DeadlineList& pauses = pauses_[message.tries - 1];
  Retry& retry = retries_.emplace_back(*this, std::move(message));
  pauses.start(retry.deadline, reactor_.now());
}

void AlertCommand::Retry::on_time() noexcept {
  AlertCommand& command = owner;
  command.waiting_.push_back(std::move(message));
  command.retries_.remove_if([this](const Retry& retry) { return &retry == this; });
  command.start_waiting();
}

void AlertCommand::report_dropped() {
  if (dropped_ == dropped_reported_) return;
  log_.line(Level::error, "alert.dropped")
      .number("dropped", static_cast<std::int64_t>(dropped_ - dropped_reported_))
      .message("alerts arrived faster than the alert command could take them");
  dropped_reported_ = dropped_;
}

}  // namespace picortex
