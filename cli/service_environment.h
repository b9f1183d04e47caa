#pragma once

#include <vector>

#include "base/result.h"
#include "reactor/deadline_list.h"
#include "reactor/file_descriptor.h"

namespace picortex {

// What systemd hands to a service: sockets that listen already (sd_listen_fds(3)), a socket to
// tell how it does (sd_notify(3)), and how often it wants to hear of it (sd_watchdog_enabled(3)).
struct ServiceEnvironment {
  std::vector<FileDescriptor> sockets;  // none: the service opens its own
  FileDescriptor notify_socket;         // connected, never blocking; closed: nobody listens
  Nanoseconds watchdog{0};              // 0: nobody watches
};

// Reads systemd's variables and takes them out of the environment, so that no child speaks in the
// service's name. To be called before any descriptor is opened and while there is one thread.
Result<ServiceEnvironment> take_service_environment();

}  // namespace picortex
