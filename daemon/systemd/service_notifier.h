#pragma once

#include <string>
#include <string_view>

#include "base/callback.h"
#include "daemon/systemd/service_environment.h"
#include "reactor/periodic_timer.h"

namespace picortex {

// Reports the daemon's state to systemd (sd_notify(3)). At half the watchdog's interval it asks its
// owner whether all is well, and reports only then: a loop that hangs cannot, and one that waits
// for a dead disk must not. Never blocks: a report that systemd has no room for is lost, and the
// next one replaces it. Does nothing without a service manager.
class ServiceNotifier {
 public:
  // Returns whether the daemon does its work.
  using Alive = BoundMember<bool()>;

  // Takes the socket over. `reactor` and the owner of `alive` must outlive this.
  ServiceNotifier(Reactor& reactor, ServiceEnvironment& environment, Alive alive);

  // Also starts the watchdog's pings. `status` is a line for `systemctl status`.
  void ready(std::string_view status);
  void reloading() noexcept;
  void reloaded(std::string_view status) { notify("READY=1\nSTATUS=" + std::string(status)); }
  // The pings continue, so that a drain that hangs is noticed too.
  void stopping(std::string_view status);
  // Stops the pings.
  void stop() noexcept { ticks_.stop(); }

 private:
  void notify(std::string_view state) noexcept;
  void on_tick() noexcept;

  FileDescriptor socket_;  // connected to systemd; closed without a service manager
  bool is_watched_;
  Alive alive_;
  PeriodicTimer ticks_;
};

}  // namespace picortex
