#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/ip_address.h"
#include "netfilter/kernel/fenced_user.h"

namespace picortex {

inline constexpr std::uint16_t kEgressQueue = 8787;
// The NFLOG group of the SYNs that pass without a verdict.
inline constexpr std::uint16_t kOpeningGroup = 8787;

// The bits of packet and connection marks that belong to the fence, and their meaning.
//
//   connection: pending   its data comes to the queue until it has shown a name; of UDP: it is
//                         between two sockets of the user's, and each packet comes to the queue
//               judged    its name was allowed; its data still comes to the queue, until the server
//                         has answered what was judged
//               allowed   its packets no longer come to the queue
//               denied    whatever it still sends is denied
//               learned   like allowed in learn mode, like denied in enforce mode
//               midway    opened by another host, or not seen being opened: an incoming packet that
//                         opens no connection was its first; no data without a socket owner leaves
//   packet:     0         not the fenced user's, or allowed by its connection's mark
//               denied    the fenced user's, and nothing has allowed it: set where the owner is
//                         matched, and turned into another mark only by a verdict or an exception
//               passed, judged, allowed, learned, closed    the queue's verdict on it
//               question  must arrive at the DNS proxy
//               opening   a SYN to an address and port that a rule for a name leads to: set ahead of
//                         the mangle table by OpeningSet, and by nothing else
inline constexpr std::uint32_t kMarkMask = 0xf000000;
inline constexpr std::uint32_t kMarkPending = 0x1000000;
inline constexpr std::uint32_t kMarkAllowed = 0x2000000;
inline constexpr std::uint32_t kMarkDenied = 0x3000000;
inline constexpr std::uint32_t kMarkMidway = 0x4000000;
inline constexpr std::uint32_t kMarkPassed = 0x5000000;
inline constexpr std::uint32_t kMarkLearned = 0x6000000;
inline constexpr std::uint32_t kMarkJudged = 0x7000000;
inline constexpr std::uint32_t kMarkQuestion = 0x8000000;
inline constexpr std::uint32_t kMarkClosed = 0x9000000;
inline constexpr std::uint32_t kMarkOpening = 0xa000000;

// A bit of its own next to those: the host has an upload budget. On a connection it stays whatever
// becomes of the other marks, and brings the connection's data to the queue once it is allowed; on
// a packet from there it says that the connection is allowed, on a verdict that a budget applies.
// Whatever else set it is cleared before the packet gets to the queue.
inline constexpr std::uint32_t kMarkMetered = 0x80000000;

// Packet marks of the fenced user's DNS questions over UDP, apart from those above: the proxy reads
// them (SO_RCVMARK) and so knows that the fenced user asks, and how.
//
//   asked    port 53 of any address: redirected, in a connection tracking zone of the user's own
//   direct   the proxy's own port: not tracked, and its answer carries the mark too
inline constexpr std::uint32_t kDnsMarkMask = 0x30000000;
inline constexpr std::uint32_t kDnsMarkAsked = 0x10000000;
inline constexpr std::uint32_t kDnsMarkDirect = 0x20000000;
inline constexpr std::uint16_t kDnsZone = 8787;

// The time to live of the proxy's answers, which no answer from a network is likely to have. If the
// socket that asked is closed, the kernel returns an ICMP error that quotes the answer. The error
// is looked up in no zone, so it would leave for the address that was asked.
inline constexpr int kDnsAnswerHops = 1;

// The input for the rules.
struct FirewallPlan {
  struct Endpoint {
    IpAddress address;  // unspecified: every address of its family
    std::uint16_t port = 0;
  };

  FencedUser user;
  bool learns = false;              // learn mode
  bool meters = false;              // some rule has an upload budget
  std::uint16_t dns_port = 0;       // of the DNS proxy, on 127.0.0.1 and ::1
  std::vector<Endpoint> endpoints;  // the daemon's HTTP on loopback, which the user may reach
};

// One chain that must contain exactly `rules`, each as iptables-save prints it ("-A CHAIN …").
struct FirewallChain {
  std::string_view table;
  std::string_view name;
  std::string_view hook;  // the chain whose first rule jumps to it; empty: a chain of the fence
  std::vector<std::string> rules;
};

// Returns every chain of the fence, of IPv4's or IPv6's tables, in the order of the tables.
//
// The mangle table decides and marks the packet; the filter table acts on the packet's mark alone.
// The owner is matched once, before the queue, since a socket that is closed while its packet waits
// there has no owner any more. That match denies the packet; the queue's verdict or an exception
// revokes the denial. A packet whose verdict never arrives (the daemon is down and --queue-bypass
// passes it on, its connection was deleted, its socket is closed) is still denied, and at once.
//
// A connection is decided by its first packets and from then on by its mark: the kernel's later
// packets for a socket that is already closed have no owner.
//
// A SYN that is marked as opening passes without a verdict, as pending as after one, while the
// daemon gets a copy (OpeningLog). Its connection's data waits in the queue all the same, so what
// passes here is no more than the SYN. That holds only for a SYN without data that is the first
// packet of its connection, and up to a rate; others wait.
//
// A closed socket whose connection the kernel's table has lost or never had (denied, with a socket
// filter that lets no reset through, until its entry ended; redirected by a source route) has
// neither owner nor mark. So data that no socket owns leaves only on a connection that was tracked
// from its beginning. That applies to every user, since the owner cannot be known any more.
std::vector<FirewallChain> firewall_chains(const FirewallPlan& plan, bool v6);

// The place of a chain. Lists the chains of the fence, and those that earlier versions made.
struct ChainName {
  std::string_view table;
  std::string_view name;
  std::string_view hook;
};
inline constexpr std::array<ChainName, 16> kFirewallChains{{
    {"raw", "PICORTEX-DNS-RAW", "OUTPUT"},
    {"raw", "PICORTEX-DNS-ASKED", ""},
    {"raw", "PICORTEX-DNS-DIRECT", ""},
    {"mangle", "PICORTEX-INPUT", "INPUT"},
    {"mangle", "PICORTEX-QUEUE", "OUTPUT"},
    {"mangle", "PICORTEX-OPENING", ""},
    {"mangle", "PICORTEX-QUEUE-USER", ""},
    {"mangle", "PICORTEX-UNDECIDED", ""},
    {"mangle", "PICORTEX-UNOWNED", ""},
    {"mangle", "PICORTEX-DENY", ""},
    {"mangle", "PICORTEX-PERMIT", ""},
    {"mangle", "PICORTEX-LOOPBACK", ""},
    {"mangle", "PICORTEX-POSTROUTING", "POSTROUTING"},
    {"nat", "PICORTEX-DNS", "OUTPUT"},
    {"filter", "PICORTEX-EGRESS", "OUTPUT"},
    {"filter", "PICORTEX-REFUSE", ""},
}};
inline constexpr std::array<ChainName, 4> kRetiredChains{{
    {"mangle", "PICORTEX-MIDWAY", "INPUT"},
    {"filter", "PICORTEX-PENDING", ""},
    {"filter", "PICORTEX-USER", ""},
    {"filter", "PICORTEX-UNOWNED", ""},
}};

}  // namespace picortex
