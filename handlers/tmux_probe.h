#pragma once

#include <string>

#include "base/uuid_v7.h"
#include "reactor/child_process.h"
#include "reactor/log.h"
#include "reactor/reactor.h"

namespace picortex {

// Asks tmux every 10 seconds whether its server is there, in a child process with a request ID of
// its own.
class TmuxProbe {
 public:
  // `socket`: the server's socket (tmux -S); empty: tmux's default.
  TmuxProbe(Reactor& reactor, Log& log, const std::string& socket);

  // Whom the next probes ask.
  void set_socket(const std::string& socket);

  void start();
  // No further probe; is_idle() tells when the last has ended.
  void stop();
  bool is_idle() const noexcept { return child_.is_idle(); }

  // The outcome of the last probe; false until there was one.
  bool is_ok() const noexcept { return ok_; }

 private:
  void probe() noexcept;
  static void on_exit(void* owner, const ChildExit& exit) noexcept;
  void conclude(bool ok, std::string_view reason);

  Reactor& reactor_;
  Log& log_;
  std::vector<std::string> command_;
  UuidV7Generator ids_;
  Uuid id_;
  DeadlineList intervals_;
  DeadlineList time_limits_;
  Deadline interval_ = Deadline::to<&TmuxProbe::probe>(*this);
  ChildProcess child_;
  bool ok_ = false;
  bool concluded_ = false;  // true once there was a first outcome
  bool stopping_ = false;
};

}  // namespace picortex
