#include "cli/daemon_settings.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "netfilter/dns_proxy.h"

namespace picortex {
namespace {

// Descriptors that are not connections: the ring, the store, stdio, a child's pipe.
constexpr rlim_t kOtherDescriptors = 64;
// The fence's: a socket for each name being looked up and each TCP client of its resolver.
constexpr rlim_t kFenceDescriptors = DnsProxy::kLookupsMax + DnsProxy::kConnectionsMax + 32;

// The soft limit rises to the hard one; answers how many connections fit below it.
std::size_t raise_descriptor_limit(std::size_t connections_wanted, rlim_t others) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t kept_back = others + http::kConnectionsOverMax;
  const rlim_t fitting = limit.rlim_max > kept_back ? limit.rlim_max - kept_back : 1;
  return std::min<std::size_t>(connections_wanted, fitting);
}

}  // namespace

Log::Settings log_settings(const ServeOptions& options) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const bool pretty = options.log_format == LogFormat::pretty ||
                      (options.log_format == LogFormat::automatic && terminal);
  const char* no_colour = std::getenv("NO_COLOR");
  const bool coloured = terminal && (no_colour == nullptr || *no_colour == '\0');
  return {.level = options.log_level,
          .format = !pretty    ? Log::Format::json
                    : coloured ? Log::Format::pretty_coloured
                               : Log::Format::pretty,
          .numeric_levels = options.log_level_format == LogLevelFormat::number};
}

http::ServerLimits server_limits(const ServeOptions& options) {
  using std::chrono::milliseconds;
  http::ServerLimits limits;
  limits.connections_max = raise_descriptor_limit(
      options.connections_max,
      kOtherDescriptors + (options.egress_mode == EgressMode::off ? 0 : kFenceDescriptors));
  limits.idle_timeout = milliseconds(options.idle_timeout_ms);
  limits.head_timeout = milliseconds(options.header_timeout_ms);
  limits.body_timeout = milliseconds(options.body_timeout_ms);
  limits.send_timeout = milliseconds(options.send_timeout_ms);
  return limits;
}

OwnNames own_names(const ServeOptions& options, const std::vector<http::Listener>& listeners) {
  OwnNames names = options.hosts;
  for (const http::Listener& listener : listeners) {
    if (!listener.is_unix) names.add_listener(listener.address, listener.port);
  }
  return names;
}

}  // namespace picortex
