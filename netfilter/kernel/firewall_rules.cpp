#include "netfilter/kernel/firewall_rules.h"

#include <fmt/format.h>

#include "netfilter/kernel/packet_programs.h"

namespace picortex {
namespace {

constexpr std::string_view kSyn = "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN";
constexpr std::string_view kNotSyn = "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN";
// Packets that neither open a connection nor reset one. The reset that a denial sends to the socket
// has its connection's mark, and must be delivered.
constexpr std::string_view kInStream = "-p tcp -m tcp --tcp-flags SYN,RST NONE";
constexpr std::string_view kSynAck = "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN,ACK";
// A source address that the user chose (IP_FREEBIND): the answer to such a packet would be sent
// there.
constexpr std::string_view kForeignSource = "-m addrtype ! --src-type LOCAL";
constexpr std::string_view kMultipathTcp = "30";  // RFC 8684

std::string mark(std::uint32_t value) { return fmt::format("{:#x}/{:#x}", value, kMarkMask); }
// With the bit of metered connections.
std::string full_mark(std::uint32_t value) {
  return fmt::format("{:#x}/{:#x}", value, kMarkMask | kMarkMetered);
}

// The chains of one table, filled rule by rule.
class Chains {
 public:
  Chains(const FirewallPlan& plan, bool v6) : plan_(plan), v6_(v6) {
    for (const ChainName& chain : kFirewallChains) {
      chains_.push_back({chain.table, chain.name, chain.hook, {}});
    }
  }

  std::vector<FirewallChain> build() {
    add_dns_tracking();
    add_input();
    add_queue();
    add_opening();
    add_queue_user();
    add_mark_chains();
    add_postrouting();
    add_dns();
    add_filter();
    return std::move(chains_);
  }

 private:
  void add(std::string_view chain, std::string_view rule) {
    for (FirewallChain& candidate : chains_) {
      if (candidate.name == chain) candidate.rules.push_back(fmt::format("-A {} {}", chain, rule));
    }
  }

  // Adds the rule for each range of the user's UIDs.
  void add_for_user(std::string_view chain, std::string_view before, std::string_view target) {
    for (const UidRange& range : plan_.user.ranges) {
      const std::string uids = range.first == range.last
                                   ? fmt::format("{}", range.first)
                                   : fmt::format("{}-{}", range.first, range.last);
      add(chain, fmt::format("{}-m owner --uid-owner {} {}", before, uids, target));
    }
  }

  void add_mark(std::string_view chain, std::string_view matches, std::uint32_t value) {
    add(chain, fmt::format("{}-j MARK --set-xmark {}", matches, mark(value)));
  }
  void add_connmark(std::string_view chain, std::string_view matches, std::uint32_t value) {
    add(chain, fmt::format("{} -j CONNMARK --set-xmark {}", matches, mark(value)));
  }
  void add_no_data(std::string_view chain) {
    add(chain,
        fmt::format("-p tcp -m bpf --bytecode \"{}\" -j RETURN", v6_ ? kNoDataV6 : kNoDataV4));
  }

  std::string_view loopback() const { return v6_ ? "::1/128" : "127.0.0.1/32"; }

  void add_input() {
    // The server has received what the client was judged by: the kernel takes the connection over.
    add_connmark("PICORTEX-INPUT",
                 fmt::format("-p tcp -m connmark --mark {} -m conntrack --ctdir REPLY "
                             "-m bpf --bytecode \"{}\"",
                             mark(kMarkJudged), v6_ ? kServerHelloV6 : kServerHelloV4),
                 kMarkAllowed);
    // Includes what a server sends after a connection that the table has lost.
    add_connmark("PICORTEX-INPUT", fmt::format("{} -m conntrack --ctstate NEW", kInStream),
                 kMarkMidway);
    // A connection expected by a conntrack helper inherits the mark of the one that announced it.
    add_connmark(
        "PICORTEX-INPUT",
        fmt::format("{} -m conntrack --ctstate RELATED -m connmark ! --mark {}", kSyn, mark(0)), 0);
    // Another attempt to reach a port on which the user listens: its answer must return to the
    // queue, and data without an owner must still not leave.
    add_connmark("PICORTEX-INPUT",
                 fmt::format("{} -m conntrack --ctdir ORIGINAL -m connmark --mark {}", kSyn,
                             mark(kMarkDenied)),
                 kMarkMidway);
  }

  void add_queue() {
    const std::string_view chain = "PICORTEX-QUEUE";
    // A connection with a mark is not new: a SYN sent again, or a port that is used again.
    const std::string no_mark = plan_.meters ? full_mark(0) : mark(0);
    // What most packets are, and the only rule that they meet. With another program's mark they meet
    // the same one below.
    const std::string allowed =
        fmt::format("{} -m connmark --mark {}", kNotSyn,
                    plan_.meters ? full_mark(kMarkAllowed) : mark(kMarkAllowed));
    add(chain, fmt::format("{} -m mark --mark {} -j RETURN", allowed, no_mark));
    add_for_user(chain,
                 fmt::format("{} -m mark --mark {} -m connmark --mark {} ", kSyn,
                             mark(kMarkOpening), no_mark),
                 "-g PICORTEX-OPENING");
    add(chain, fmt::format("-m mark ! --mark {0} -j MARK --set-xmark {0}", no_mark));
    add(chain, fmt::format("{} -j RETURN", allowed));
    if (plan_.meters) add_metered(chain);
    if (plan_.learns) {
      for (const std::string_view packets : {kNotSyn, std::string_view("! -p tcp")}) {
        add(chain, fmt::format("{} -m connmark --mark {} -j RETURN", packets, mark(kMarkLearned)));
      }
    }
    for (const std::uint32_t undecided : {kMarkPending, kMarkJudged}) {
      add(chain,
          fmt::format("{} -m connmark --mark {} -g PICORTEX-UNDECIDED", kNotSyn, mark(undecided)));
    }
    for (const std::uint32_t denied : {kMarkDenied, kMarkLearned}) {
      if (denied == kMarkLearned && plan_.learns) continue;
      add(chain, fmt::format("{} -m connmark --mark {} -g PICORTEX-DENY", kInStream, mark(denied)));
    }
    add_for_user(chain, "", "-g PICORTEX-QUEUE-USER");
    for (const std::string& midway : {std::string("-m conntrack --ctstate INVALID,NEW"),
                                      fmt::format("-m connmark --mark {}", mark(kMarkMidway))}) {
      add(chain,
          fmt::format("{} {} -m owner ! --socket-exists -g PICORTEX-UNOWNED", kInStream, midway));
    }
  }

  // The data of allowed connections to a host with an upload budget is counted by the queue, packet
  // by packet; what brings no verdict back is denied by the mark. Their acknowledgements, and so
  // their downloads, pass by.
  void add_metered(std::string_view chain) {
    const std::string metered =
        fmt::format("{} -m connmark --mark {}", kNotSyn, full_mark(kMarkAllowed | kMarkMetered));
    add(chain,
        fmt::format("{} -m bpf --bytecode \"{}\" -j RETURN", metered, v6_ ? kNoDataV6 : kNoDataV4));
    add(chain,
        fmt::format("{} -j MARK --set-xmark {}", metered, full_mark(kMarkDenied | kMarkMetered)));
    add(chain, fmt::format("{} {}", metered, queue()));
  }

  // The limit bounds the copies that wait for the daemon; a SYN beyond it waits for its verdict.
  void add_opening() {
    const std::string_view chain = "PICORTEX-OPENING";
    add_mark(chain, "", kMarkDenied);
    add_no_multipath(chain);
    add_mark(chain,
             fmt::format("-p tcp -m bpf --bytecode \"{}\" -m limit --limit 500/sec "
                         "--limit-burst 500 ",
                         v6_ ? kNoDataV6 : kNoDataV4),
             kMarkPassed);
    const std::string passed = fmt::format("-m mark --mark {}", mark(kMarkPassed));
    add(chain,
        fmt::format("{} -j NFLOG --nflog-group {} --nflog-threshold 1", passed, kOpeningGroup));
    add(chain, fmt::format("{} -j RETURN", passed));
    add(chain, "-g PICORTEX-QUEUE-USER");
  }

  // Without the option, no connection becomes one of several paths. The kernel opens the others
  // by itself, to addresses that the server names, on sockets without an owner; loopback is no
  // exception, since the user may be the server there.
  void add_no_multipath(std::string_view chain) {
    add(chain, fmt::format("-p tcp -m tcp --tcp-option {0} --tcp-flags SYN SYN -j TCPOPTSTRIP "
                           "--strip-options {0}",
                           kMultipathTcp));
  }

  void add_queue_user() {
    const std::string_view chain = "PICORTEX-QUEUE-USER";
    add_mark(chain, "", kMarkDenied);
    add_no_multipath(chain);
    // What answers a datagram of the user's is no exception: the port may be another user's by now.
    add(chain,
        fmt::format("-o lo -p udp -m connmark --mark {} -g PICORTEX-LOOPBACK", mark(kMarkPending)));
    add_exceptions(chain);
    for (const char* protocol : {"udp", "tcp"}) {
      add_mark(chain, fmt::format("-p {0} -m {0} --dport 53 ", protocol), kMarkQuestion);
    }
    add(chain, fmt::format("-m mark --mark {} -j RETURN", mark(kMarkQuestion)));
    add(chain, fmt::format("-d {} -o lo -p udp -g PICORTEX-LOOPBACK", loopback()));
    // The queue turns the acceptance of a connection into the answer of a closed port. The kernel
    // repeats the acceptance later; a closed port does not, so it is then only denied, which ends
    // it.
    add(chain, fmt::format("{} -m connmark ! --mark {} {}", kSynAck, mark(kMarkDenied), queue()));
    add(chain, fmt::format("{} -j RETURN", kNotSyn));
    // A port that is used again must not inherit its last connection's mark.
    add(chain,
        fmt::format("{} -j CONNMARK --set-xmark {}", kSyn, plan_.meters ? full_mark(0) : mark(0)));
    add(chain, fmt::format("{} {}", kSyn, queue()));
    // Everything but TCP is denied; the queue sees it only for the record, so not every packet.
    add(chain, fmt::format("! -p tcp -m limit --limit 200/sec --limit-burst 400 {}", queue()));
  }

  // Traffic of the user that is neither queued nor denied, whatever the list says.
  void add_exceptions(std::string_view chain) {
    // Answers of the user's own servers to other users of this host.
    add(chain, "-o lo -m conntrack --ctdir REPLY -g PICORTEX-PERMIT");
    for (const char* protocol : {"udp", "tcp"}) {
      add(chain, fmt::format("-d {0} -o lo -p {1} -m {1} --dport {2} -g PICORTEX-PERMIT",
                             loopback(), protocol, plan_.dns_port));
    }
    for (const FirewallPlan::Endpoint& endpoint : plan_.endpoints) {
      if (endpoint.address.is_v6 != v6_) continue;
      const bool any = address_class(endpoint.address) == AddressClass::unspecified;
      const std::string destination =
          any ? "" : fmt::format("-d {}/{} ", to_string(endpoint.address), v6_ ? 128 : 32);
      add(chain, fmt::format("{}-o lo -p tcp -m tcp --dport {} -g PICORTEX-PERMIT", destination,
                             endpoint.port));
    }
  }

  void add_mark_chains() {
    add_no_data("PICORTEX-UNDECIDED");
    add_mark("PICORTEX-UNDECIDED", "", kMarkDenied);
    add("PICORTEX-UNDECIDED", queue());
    add_no_data("PICORTEX-UNOWNED");
    add_mark("PICORTEX-UNOWNED", "", kMarkDenied);
    add_mark("PICORTEX-DENY", "", kMarkDenied);
    add("PICORTEX-PERMIT", fmt::format("{} -j RETURN", kForeignSource));
    add_mark("PICORTEX-PERMIT", "", 0);
    // Datagrams on loopback pass if a socket of the user's receives them. Who receives the next one
    // may be another, so each is queued. What is beyond the limit stays denied.
    add("PICORTEX-LOOPBACK",
        fmt::format("-m limit --limit 10000/sec --limit-burst 10000 {}", queue()));
  }

  void add_postrouting() {
    const std::string_view chain = "PICORTEX-POSTROUTING";
    const std::string_view any_loopback = v6_ ? "::1/128" : "127.0.0.0/8";
    // None of the rules is for it.
    add(chain, fmt::format("! -d {} -p tcp -m mark --mark {} -j RETURN", any_loopback, mark(0)));
    // Only counted: reports of joined groups, which the user chooses and the kernel sends without
    // an owner (IGMP; MLD's reports of both versions).
    if (v6_) {
      for (const int type : {131, 143}) {
        add(chain, fmt::format("-p ipv6-icmp -m icmp6 --icmpv6-type {}", type));
      }
    } else {
      add(chain, "-p igmp");
    }
    add(chain, fmt::format("-p {} -m bpf --bytecode \"{}\" -j DROP", v6_ ? "ipv6-icmp" : "icmp",
                           v6_ ? kQuotesAnswerV6 : kQuotesAnswerV4));
    // A socket that is bound to a device sends even packets to this host through it. Only here does
    // a packet that nat redirected show the device by which it will leave.
    add(chain, fmt::format("-d {} ! -o lo -j DROP", any_loopback));
    // Packets that another rule of the filter table accepted before the fence could reject them.
    add(chain,
        fmt::format("-m mark --mark {} -m addrtype --src-type LOCAL -j DROP", mark(kMarkDenied)));
  }

  // Runs before connection tracking. The user's questions have a zone of their own: the kernel
  // keeps the redirection of a source port for 30 s, and another user's question from that port
  // must not follow it. Only the original direction is in the zone, so the answers need no rule.
  void add_dns_tracking() {
    const std::string_view raw = "PICORTEX-DNS-RAW";
    const std::string_view asked = "PICORTEX-DNS-ASKED";
    const std::string_view direct = "PICORTEX-DNS-DIRECT";
    add_mark(raw, fmt::format("-m mark --mark {} ", mark(kMarkOpening)), 0);
    add(raw, fmt::format("-p tcp -m tcp ! --dport {} -j RETURN", plan_.dns_port));
    add(raw,
        fmt::format("-s {} -p udp -m udp --sport {} -m mark --mark {:#x}/{:#x} -j CT --notrack",
                    loopback(), plan_.dns_port, kDnsMarkDirect, kDnsMarkMask));
    add_for_user(raw, "-p udp -m udp --dport 53 ", "-j PICORTEX-DNS-ASKED");
    for (const char* protocol : {"udp", "tcp"}) {
      add_for_user(
          raw,
          fmt::format("-d {0} -p {1} -m {1} --dport {2} ", loopback(), protocol, plan_.dns_port),
          "-j PICORTEX-DNS-DIRECT");
    }
    add(asked, fmt::format("-j MARK --set-xmark {:#x}/{:#x}", kDnsMarkAsked, kDnsMarkMask));
    add(asked, fmt::format("-j CT --zone-orig {}", kDnsZone));
    if (!v6_) {
      // Other sources of loopback are limited by the size of the connection table.
      add(asked, fmt::format("-s {} -j RETURN", loopback()));
      add(asked, "-s 127.0.0.0/8 -j DROP");
    }
    add(direct, fmt::format("! -s {} -j DROP", loopback()));
    add(direct,
        "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m hashlimit --hashlimit-above 50/sec "
        "--hashlimit-burst 200 --hashlimit-name picortex-direct -j DROP");
    add(direct, "-p tcp -j RETURN");
    add(direct, fmt::format("-j MARK --set-xmark {:#x}/{:#x}", kDnsMarkDirect, kDnsMarkMask));
    add(direct, "-j CT --notrack");
  }

  // The nat table sees the first packet of each flow, so this counts flows: they can take the burst
  // and 120 s at the rate of the connection table. A flow beyond it is not redirected, and stays
  // denied.
  void add_dns() {
    for (const char* protocol : {"udp", "tcp"}) {
      add_for_user("PICORTEX-DNS", fmt::format("-p {0} -m {0} --dport 53 ", protocol),
                   "-m hashlimit --hashlimit-upto 300/sec --hashlimit-burst 20000 "
                   "--hashlimit-name picortex-dns --hashlimit-htable-expire 120000 "
                   "-j REDIRECT --to-ports " +
                       std::to_string(plan_.dns_port));
    }
  }

  void add_filter() {
    const std::string_view chain = "PICORTEX-EGRESS";
    add(chain, fmt::format("-m mark --mark {} -j RETURN", mark(0)));
    add(chain, fmt::format("-m mark --mark {} -g PICORTEX-REFUSE", mark(kMarkDenied)));
    // Includes what was allowed. Learn mode blocks nothing.
    if (!plan_.learns) add(chain, fmt::format("{} -j DROP", kForeignSource));
    if (plan_.meters) {
      add(chain, fmt::format("-m mark --mark {0} -j CONNMARK --set-xmark {0}",
                             fmt::format("{0:#x}/{0:#x}", kMarkMetered)));
    }
    for (const std::string_view packets : {kSyn, std::string_view("-p udp")}) {
      add_connmark(chain, fmt::format("{} -m mark --mark {}", packets, mark(kMarkPassed)),
                   kMarkPending);
    }
    add(chain, fmt::format("-m mark --mark {} -j RETURN", mark(kMarkPassed)));
    for (const std::uint32_t verdict : {kMarkJudged, kMarkAllowed, kMarkLearned}) {
      if (verdict == kMarkLearned && !plan_.learns) continue;
      add_connmark(chain, fmt::format("-m mark --mark {}", mark(verdict)), verdict);
      add(chain, fmt::format("-m mark --mark {} -j RETURN", mark(verdict)));
    }
    add_connmark(chain, fmt::format("-m mark --mark {}", mark(kMarkClosed)), kMarkDenied);
    add(chain, fmt::format("-m mark --mark {} -j RETURN", mark(kMarkClosed)));
    // A question that nat did not redirect is not addressed to the proxy.
    for (const char* protocol : {"udp", "tcp"}) {
      add(chain, fmt::format("-d {0} -p {1} -m {1} --dport {2} -m mark --mark {3} -j RETURN",
                             loopback(), protocol, plan_.dns_port, mark(kMarkQuestion)));
    }
    add(chain, "-j PICORTEX-REFUSE");

    const std::string_view deny = "PICORTEX-REFUSE";
    add_connmark(deny, "-p tcp", kMarkDenied);
    // A rejection is sent to the packet's source, and quotes the packet.
    add(deny, fmt::format("{} -j DROP", kForeignSource));
    add(deny, "-p tcp -j REJECT --reject-with tcp-reset");
    add(deny, fmt::format("-j REJECT --reject-with {}",
                          v6_ ? "icmp6-port-unreachable" : "icmp-port-unreachable"));
    // No packet gets here. That the match is in a rule switches connection accounting on, also
    // where this process may not write to /proc/sys.
    add(deny, "-p tcp -m connbytes --connbytes 0 --connbytes-mode bytes --connbytes-dir original");
  }

  static std::string queue() {
    return fmt::format("-j NFQUEUE --queue-num {} --queue-bypass", kEgressQueue);
  }

  const FirewallPlan& plan_;
  bool v6_;
  std::vector<FirewallChain> chains_;
};

}  // namespace

std::vector<FirewallChain> firewall_chains(const FirewallPlan& plan, bool v6) {
  return Chains(plan, v6).build();
}

}  // namespace picortex
