#pragma once

#include <string>
#include <string_view>

#include "cli/service_environment.h"
#include "reactor/reactor.h"

namespace picortex {

// Tells systemd how the daemon does (sd_notify(3)). At half the watchdog's interval it asks its
// owner whether all is well, and only then says so: a loop that hangs cannot, and one that waits
// for a dead disk must not. Never waits: what systemd has no room for is lost, and said again with
// the next. Does nothing where nobody listens.
class ServiceNotifier {
 public:
  // Whether the daemon does its work.
  using Alive = bool (*)(void* owner) noexcept;

  // Takes the socket over. `reactor` and `owner` outlive it.
  ServiceNotifier(Reactor& reactor, ServiceEnvironment& environment, void* owner, Alive alive);

  // Starts the watchdog's pings too. `status`: a line for `systemctl status`.
  void ready(std::string_view status);
  void reloading() noexcept;
  void reloaded(std::string_view status) { notify("READY=1\nSTATUS=" + std::string(status)); }
  // The pings go on: a drain that hangs is to be noticed too.
  void stopping(std::string_view status);
  // The end: no more pings.
  void stop() noexcept { tick_.stop(); }

 private:
  void notify(std::string_view state) noexcept;
  void on_tick() noexcept;

  Reactor& reactor_;
  FileDescriptor socket_;  // connected to systemd; closed where nobody listens
  bool is_watched_;
  void* owner_;
  Alive alive_;
  DeadlineList ticks_;
  Deadline tick_ = Deadline::to<&ServiceNotifier::on_tick>(*this);
};

}  // namespace picortex
