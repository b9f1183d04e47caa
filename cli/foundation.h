#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "cli/serve_options.h"
#include "cli/service_environment.h"
#include "handlers/http/listener.h"
#include "handlers/token.h"
#include "reactor/file_descriptor.h"
#include "reactor/reactor.h"

namespace picortex {

// What `picortex serve` stands on: all that can fail before one of its parts is built.
struct Foundation {
  ServiceEnvironment service;
  FileDescriptor lock;
  Token token;
  std::vector<http::Listener> listeners;
  std::unique_ptr<Reactor> reactor;
};

// Takes what the service manager handed over, makes the data directory and locks it, reads or makes
// the token, and listens. The error is one line for the person who started the daemon.
Result<Foundation> lay_foundation(const ServeOptions& options);

}  // namespace picortex
