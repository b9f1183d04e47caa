#include "daemon/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "handlers/http/server.h"
#include "netfilter/attribution/process_description.h"
#include "netfilter/attribution/recent_sockets.h"
#include "netfilter/dns/dns_proxy.h"

namespace picortex {
namespace {

constexpr rlim_t kConnectionsMin = 16;
// Descriptors that are not connections: the ring, the store, standard streams, a child's pipe.
constexpr rlim_t kOtherDescriptors = 64;
// Descriptors of the fence: a socket for each name being looked up and for each TCP client of its
// resolver, and files of the processes that opened connections lately.
constexpr rlim_t kFenceDescriptors = DnsProxy::kLookupsMax + DnsProxy::kConnectionsMax +
                                     RecentSockets::kMax + 2 * ProcessDescriber::kKeptMax + 32;

}  // namespace

Result<std::size_t> fit_connections(const ServeOptions& options, std::size_t listeners) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return failure("cannot read the limit of open files", errno);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return failure("cannot raise the limit of open files", errno);
  const rlim_t kept_back = kOtherDescriptors + http::kConnectionsOverMax +
                           2 * http::kConnectionsForPolls +
                           listeners * (1 + http::kAcceptsPerListener) +
                           (options.egress_mode == EgressMode::off ? 0 : kFenceDescriptors);
  const rlim_t needed = kept_back + kConnectionsMin;
  if (limit.rlim_max < needed) {
    return failure("at most " + std::to_string(limit.rlim_max) +
                   " files may be open, and serve needs " + std::to_string(needed) +
                   ": raise LimitNOFILE= in its unit, or ulimit -n");
  }
  return std::min<std::size_t>(options.connections_max, limit.rlim_max - kept_back);
}

}  // namespace picortex
