#pragma once

#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "reactor/deadline_list.h"

namespace picortex {

// What systemd passes to a service: sockets that already listen (sd_listen_fds(3)), a socket for
// status reports (sd_notify(3)), and the interval at which it expects them
// (sd_watchdog_enabled(3)).
struct ServiceEnvironment {
  std::vector<FileDescriptor> sockets;  // none: the service opens its own
  FileDescriptor notify_socket;         // connected and nonblocking; closed: no manager listens
  Nanoseconds watchdog{0};              // 0: there is no watchdog
};

// Reads systemd's variables and removes them from the environment, so that no child reports in the
// service's name. Must be called before any descriptor is opened and while the process has one
// thread.
Result<ServiceEnvironment> take_service_environment();

}  // namespace picortex
