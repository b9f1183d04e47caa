#pragma once

#include <vector>

#include "cli/serve_options.h"
#include "handlers/http/listener.h"
#include "handlers/http/server.h"
#include "reactor/log.h"

namespace picortex {

// What the options mean to the daemon's parts.

Log::Settings log_settings(const ServeOptions& options);

// Raises the limit of open files as far as it may be raised, and sees how many connections fit.
http::ServerLimits server_limits(const ServeOptions& options);

OwnNames own_names(const ServeOptions& options, const std::vector<http::Listener>& listeners);

}  // namespace picortex
