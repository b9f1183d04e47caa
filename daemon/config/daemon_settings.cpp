#include "daemon/config/daemon_settings.h"

#include <unistd.h>

#include <chrono>

#include "base/terminal.h"

namespace picortex {

Log::Settings log_settings(const ServeOptions& options) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const bool pretty = options.log_format == LogFormat::pretty ||
                      (options.log_format == LogFormat::automatic && terminal);
  const bool coloured = stdout_is_coloured();
  return {.level = options.log_level,
          .format = !pretty    ? Log::Format::json
                    : coloured ? Log::Format::pretty_coloured
                               : Log::Format::pretty,
          .numeric_levels = options.log_level_format == LogLevelFormat::number};
}

http::ServerLimits server_limits(const ServeOptions& options, std::size_t connections_max) {
  using std::chrono::milliseconds;
  http::ServerLimits limits;
  limits.connections_max = connections_max;
  limits.idle_timeout = milliseconds(options.idle_timeout_ms);
  limits.head_timeout = milliseconds(options.header_timeout_ms);
  limits.body_timeout = milliseconds(options.body_timeout_ms);
  limits.send_timeout = milliseconds(options.send_timeout_ms);
  return limits;
}

AllowedHosts own_names(const ServeOptions& options, const std::vector<http::Listener>& listeners) {
  AllowedHosts names = options.hosts;
  for (const http::Listener& listener : listeners) {
    if (!listener.is_unix) names.add_listener(listener.address, listener.port);
  }
  return names;
}

}  // namespace picortex
