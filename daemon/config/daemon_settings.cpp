#include "daemon/config/daemon_settings.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/terminal.h"
#include "netfilter/dns/dns_proxy.h"

namespace picortex {
namespace {

// Descriptors that are not connections: the ring, the store, standard streams, a child's pipe.
constexpr rlim_t kOtherDescriptors = 64;
// Descriptors of the fence: a socket for each name being looked up and for each TCP client of its
// resolver.
constexpr rlim_t kFenceDescriptors = DnsProxy::kLookupsMax + DnsProxy::kConnectionsMax + 32;

// Raises the soft limit, up to the hard one. Returns how many connections fit below it.
std::size_t raise_descriptor_limit(std::size_t connections_wanted, rlim_t others) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t kept_back = others + http::kConnectionsOverMax + 2 * http::kConnectionsForPolls;
  const rlim_t fitting = limit.rlim_max > kept_back ? limit.rlim_max - kept_back : 1;
  return std::min<std::size_t>(connections_wanted, fitting);
}

}  // namespace

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

AllowedHosts own_names(const ServeOptions& options, const std::vector<http::Listener>& listeners) {
  AllowedHosts names = options.hosts;
  for (const http::Listener& listener : listeners) {
    if (!listener.is_unix) names.add_listener(listener.address, listener.port);
  }
  return names;
}

}  // namespace picortex
