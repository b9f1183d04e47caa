#include "netfilter/policy/connection_cutter.h"

#include "netfilter/kernel/sock_diag.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

bool needs_private(const IpAddress& address) noexcept {
  switch (address_class(address)) {
    case AddressClass::private_use:
    case AddressClass::shared:
    case AddressClass::reserved:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool ConnectionCutter::is_allowed_by_address(const FlowKey& key, const RulesAt& at) const {
  Packet opening;
  opening.protocol = kProtocolTcp;
  opening.destination = key.destination;
  opening.destination_port = key.destination_port;
  const EgressPolicy policy{at.rules, addresses_, EgressMode::enforce};
  return !judge_opening(policy, PacketStatus::whole, opening, at.time_ms).denied;
}

ConnectionCutter::Decision ConnectionCutter::decide(const FlowKey& key, const RulesAt& before,
                                                    const RulesAt& now) const {
  if (now.rules.match(key.destination, key.destination_port, now.time_ms)) return Decision::keep;
  if (const HostName* host = allowed_.find(key)) {
    if (host->empty()) return Decision::cut;
    const Allowlist::NameNeed need{.name = host->view(),
                                   .port = key.destination_port,
                                   .is_private = needs_private(key.destination)};
    return now.rules.match(need, now.time_ms) ? Decision::keep : Decision::cut;
  }
  // On loopback the user's own servers have connections too, and the daemon's ports need no rule:
  // only connections that a rule allowed are known to depend on it.
  if (address_class(key.destination) == AddressClass::loopback) return Decision::keep;
  if (is_allowed_by_address(key, now)) return Decision::keep;
  return is_allowed_by_address(key, before) ? Decision::cut : Decision::keep_unknown;
}

// A connection ends with its socket: the peer gets a reset, and the mark that the kernel's
// connection table still has is void for a new socket, whose SYN is judged again.
Result<ConnectionCutter::Outcome> ConnectionCutter::cut(const FencedUser& user,
                                                        const RulesAt& before, const RulesAt& now) {
  auto sockets = TRY(list_open_sockets(user, kProtocolTcp));
  Outcome outcome;
  for (const OpenSocket& socket : sockets) {
    const FlowKey key{socket.source, socket.destination, socket.source_port,
                      socket.destination_port};
    const Decision decision = decide(key, before, now);
    if (decision == Decision::keep_unknown) ++outcome.unknown;
    if (decision != Decision::cut) continue;
    auto destroyed = TRY(destroy_socket(socket));
    allowed_.remove(key);
    outcome.cut += destroyed ? 1 : 0;
  }
  return outcome;
}

Result<std::uint64_t> end_sockets(const FencedUser& user) {
  std::uint64_t ended = 0;
  for (const std::uint8_t protocol : {kProtocolTcp, kProtocolUdp}) {
    auto sockets = TRY(list_open_sockets(user, protocol));
    for (const OpenSocket& socket : sockets) {
      if (address_class(socket.destination) == AddressClass::loopback) continue;
      ended += TRY(destroy_socket(socket)) ? 1 : 0;
    }
  }
  return ended;
}

}  // namespace picortex
