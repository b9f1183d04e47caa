#pragma once

#include <cstddef>
#include <vector>

#include "daemon/config/serve_options.h"
#include "handlers/http/listener.h"
#include "handlers/http/server.h"
#include "reactor/log.h"

namespace picortex {

// Converts the options to the limits of the daemon's parts.

Log::Settings log_settings(const ServeOptions& options);

// `connections_max` as fit_connections() returns it.
http::ServerLimits server_limits(const ServeOptions& options, std::size_t connections_max);

AllowedHosts own_names(const ServeOptions& options, const std::vector<http::Listener>& listeners);

}  // namespace picortex
