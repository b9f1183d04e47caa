#pragma once

#include <string>

#include "base/uuid/uuid_v7.h"
#include "reactor/child_process.h"
#include "reactor/log.h"
#include "reactor/reactor.h"

namespace picortex {

// The value of --tmux-socket where there is no tmux.
inline constexpr std::string_view kNoTmux = "none";

// Asks every 10 seconds whether tmux's server runs, in a child process with a request ID of its
// own.
class TmuxProbe {
 public:
  // `socket`: the server's socket (tmux -S); empty: tmux's default; kNoTmux: nothing is asked, and
  // all is well.
  TmuxProbe(Reactor& reactor, Log& log, const std::string& socket);

  // Sets the socket of the next probes.
  void set_socket(const std::string& socket);

  void start();
  // Starts no further probe. Poll is_idle() for the end of the last one.
  void stop();
  bool is_idle() const noexcept { return child_.is_idle(); }

  // The result of the last probe; false until there is one.
  bool is_ok() const noexcept { return ok_; }
  // What tmux said when it did not answer; empty while it does.
  std::string_view reason() const noexcept { return reason_; }
  const std::string& socket() const noexcept { return socket_; }

 private:
  void probe() noexcept;
  void on_exit(const ChildExit& exit) noexcept;
  void conclude(bool ok, std::string_view reason);

  Reactor& reactor_;
  Log& log_;
  std::string socket_;
  std::vector<std::string> command_;
  UuidV7Generator ids_;
  Uuid id_;
  DeadlineList intervals_;
  DeadlineList time_limits_;
  Deadline interval_ = Deadline::to<&TmuxProbe::probe>(*this);
  ChildProcess child_;
  bool ok_ = false;
  std::string reason_;
  bool concluded_ = false;  // true once there is a result
  bool stopping_ = false;
};

}  // namespace picortex
