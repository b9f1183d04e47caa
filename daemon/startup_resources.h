#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/result.h"
#include "daemon/config/serve_options.h"
#include "daemon/systemd/service_environment.h"
#include "handlers/http/listener.h"
#include "handlers/http/middleware/token.h"
#include "reactor/reactor.h"
#include "reactor/worker.h"
#include "storage/directory_lock.h"

namespace picortex {

// What `picortex serve` needs before it builds its parts: everything here can fail.
struct StartupResources {
  ServiceEnvironment service;
  std::size_t connections_max = 0;  // that the limit of open files permits
  DirectoryLock lock;
  Token token;
  std::vector<http::Listener> listeners;
  std::unique_ptr<Reactor> reactor;
  std::unique_ptr<Worker> store_worker;   // runs everything that writes the database
  std::unique_ptr<Worker> query_worker;   // runs everything that reads events
  std::unique_ptr<Worker> turns_worker;   // runs everything that reads turns
  std::unique_ptr<Worker> decode_worker;  // decodes telemetry
};

// Takes what the service manager passed, creates and locks the data directory, reads or creates the
// token, and listens. The error is one line for the person who started the daemon.
Result<StartupResources> lay_foundation(const ServeOptions& options);

}  // namespace picortex
