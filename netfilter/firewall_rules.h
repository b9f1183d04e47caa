#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "netfilter/address.h"
#include "netfilter/fenced_user.h"

namespace picortex {

inline constexpr std::uint16_t kEgressQueue = 8787;

// The bits of packet and connection marks that are the fence's own, and what they say.
//
//   connection: pending   its data comes to the queue until it has shown a name
//               allowed   the queue and the refusal see no more of it
//               refused   whatever comes of it is refused
//               learned   as allowed in learn mode, as refused in enforce mode
//               midway    others opened it, or nobody saw who: an incoming packet that opens none
//                         was its first; nothing that no socket owns goes out on it
//   packet:     passed, allowed, learned, refused: the verdict on it, from the queue to the filter
inline constexpr std::uint32_t kMarkMask = 0xf000000;
inline constexpr std::uint32_t kMarkPending = 0x1000000;
inline constexpr std::uint32_t kMarkAllowed = 0x2000000;
inline constexpr std::uint32_t kMarkRefused = 0x3000000;
inline constexpr std::uint32_t kMarkMidway = 0x4000000;
inline constexpr std::uint32_t kMarkPassed = 0x5000000;
inline constexpr std::uint32_t kMarkLearned = 0x6000000;

// What the rules are made of.
struct FirewallPlan {
  struct Endpoint {
    IpAddress address;  // unspecified: every address of its family
    std::uint16_t port = 0;
  };

  FencedUser user;
  bool learns = false;              // learn mode
  std::uint16_t dns_port = 0;       // of the DNS proxy, on 127.0.0.1 and ::1
  std::vector<Endpoint> endpoints;  // of the daemon's HTTP on loopback, which the user may reach
};

// One chain that is to hold exactly `rules`, each as iptables-save prints it ("-A CHAIN …").
struct FirewallChain {
  std::string_view table;
  std::string_view name;
  std::string_view hook;  // the chain whose first rule jumps to it; empty: a chain of the fence
  std::vector<std::string> rules;
};

// Every chain of the fence, of IPv4's tables or of IPv6's, in the order of the tables.
//
// A new connection is decided on its first packet, by its owner, and from then on by its mark: the
// kernel's later packets for a socket that is closed already have no owner. The queue's rules pass
// packets by when the daemon is down (--queue-bypass); the filter then finds no verdict on them and
// refuses, so down means closed, and at once.
//
// A closed socket whose connection the kernel's table has lost or never had (refused, with a socket
// filter that lets no reset through, until its entry ended; turned elsewhere by a source route) has
// neither owner nor mark. So data that no socket owns goes out only on a connection that was
// tracked from its beginning. That is asked of every user: whose it was cannot be known any more.
std::vector<FirewallChain> firewall_chains(const FirewallPlan& plan, bool v6);

// Every chain that a version of picortex has made, to be taken away.
struct ChainName {
  std::string_view table;
  std::string_view name;
  std::string_view hook;
};
inline constexpr std::array<ChainName, 9> kFirewallChains{{
    {"mangle", "PICORTEX-MIDWAY", "INPUT"},
    {"mangle", "PICORTEX-QUEUE", "OUTPUT"},
    {"mangle", "PICORTEX-QUEUE-USER", ""},
    {"nat", "PICORTEX-DNS", "OUTPUT"},
    {"filter", "PICORTEX-EGRESS", "OUTPUT"},
    {"filter", "PICORTEX-PENDING", ""},
    {"filter", "PICORTEX-USER", ""},
    {"filter", "PICORTEX-UNOWNED", ""},
    {"filter", "PICORTEX-REFUSE", ""},
}};

}  // namespace picortex
