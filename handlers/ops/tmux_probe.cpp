#include "handlers/ops/tmux_probe.h"

#include "base/text.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kInterval{10};
constexpr std::chrono::seconds kTimeLimit{5};
constexpr std::size_t kReasonSizeMax = 300;

std::vector<std::string> probe_command(const std::string& socket) {
  std::vector<std::string> command{"tmux"};
  if (!socket.empty()) command.insert(command.end(), {"-S", socket});
  // Unlike most of tmux's commands, this one starts no server.
  command.insert(command.end(), {"list-sessions", "-F", "#{session_id}"});
  return command;
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

}  // namespace

TmuxProbe::TmuxProbe(Reactor& reactor, Log& log, const std::string& socket)
    : reactor_(reactor),
      log_(log),
      socket_(socket),
      command_(probe_command(socket)),
      intervals_(kInterval),
      time_limits_(kTimeLimit),
      child_(reactor, time_limits_, Callback<const ChildExit&>::to<&TmuxProbe::on_exit>(*this)) {
  reactor_.add(intervals_);
  reactor_.add(time_limits_);
}

void TmuxProbe::set_socket(const std::string& socket) {
  socket_ = socket;
  command_ = probe_command(socket);
}

void TmuxProbe::start() { probe(); }

void TmuxProbe::stop() {
  stopping_ = true;
  interval_.stop();
  child_.kill();
}

void TmuxProbe::probe() noexcept {
  if (socket_ == kNoTmux) {
    ok_ = true;
    concluded_ = false;
    reason_.clear();
    return intervals_.start(interval_, reactor_.now());
  }
  id_ = ids_.next(reactor_.unix_ms());
  const std::array variables{"PICORTEX_REQUEST_ID=" + to_string(id_)};
  if (auto started = child_.start(command_, variables); !started) {
    conclude(false, started.error().what);
  }
}

void TmuxProbe::on_exit(const ChildExit& exit) noexcept {
  if (exit.timed_out) {
    conclude(false, "tmux did not answer within 5 seconds");
  } else {
    conclude(exit.signal == 0 && exit.status == 0, first_line(exit.error_text));
  }
}

void TmuxProbe::conclude(bool ok, std::string_view reason) {
  if (stopping_) return;
  if (!concluded_ || ok != ok_) {
    log_.line(ok ? Level::info : Level::warn, ok ? "tmux.up" : "tmux.down", {.request_id = &id_})
        .text("reason", reason)
        .message(ok ? "tmux answers" : "tmux does not answer");
  }
  ok_ = ok;
  reason_ = ok ? std::string_view() : cut_to(reason, kReasonSizeMax);
  concluded_ = true;
  intervals_.start(interval_, reactor_.now());
}

}  // namespace picortex
