#include "daemon/egress/fence_plan.h"

#include <netinet/in.h>

#include <cstring>
#include <utility>

#include "base/net/socket_address.h"
#include "netfilter/kernel/fenced_user.h"

namespace picortex {

Result<FirewallPlan> make_firewall_plan(EgressMode mode, const std::string& user,
                                        std::uint16_t dns_port,
                                        const std::vector<ListenAddress>& listen) {
  auto found = TRY(find_fenced_user(user));
  FirewallPlan plan{.user = std::move(found),
                    .learns = mode == EgressMode::learn,
                    .dns_port = dns_port,
                    .endpoints = {}};
  for (const ListenAddress& address : listen) {
    if (address.family() == AF_UNIX) continue;
    SocketAddress socket_address;
    std::memcpy(&socket_address.any, address.socket_address(), address.socket_address_size());
    plan.endpoints.push_back({socket_address.address(), address.port()});
  }
  return plan;
}

}  // namespace picortex
