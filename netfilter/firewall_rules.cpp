#include "netfilter/firewall_rules.h"

#include <fmt/format.h>

namespace picortex {
namespace {

// Classic BPF (xt_bpf) for "this TCP segment carries no data": the packet's size less its headers'
// is 0. IPv6 extension headers make it false, so that such a packet is looked at.
constexpr std::string_view kNoDataV4 =
    "13,40 0 0 2,177 0 0 0,28 0 0 0,2 0 0 0,80 0 0 12,84 0 0 240,116 0 0 2,7 0 0 0,96 0 0 0,"
    "28 0 0 0,21 0 1 0,6 0 0 1,6 0 0 0";
constexpr std::string_view kNoDataV6 =
    "11,48 0 0 6,21 0 8 6,48 0 0 52,84 0 0 240,116 0 0 2,7 0 0 0,40 0 0 4,28 0 0 0,21 0 1 0,"
    "6 0 0 1,6 0 0 0";

constexpr std::string_view kOpensNothing = "--tcp-flags SYN,RST NONE";

std::string mark(std::uint32_t value) { return fmt::format("{:#x}/{:#x}", value, kMarkMask); }

// The chains of one table, filled rule by rule.
class Chains {
 public:
  Chains(const FirewallPlan& plan, bool v6) : plan_(plan), v6_(v6) {
    for (const ChainName& chain : kFirewallChains) {
      chains_.push_back({chain.table, chain.name, chain.hook, {}});
    }
  }

  std::vector<FirewallChain> build() {
    add_midway();
    add_queue();
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

  // The same rule for each range of the user's UIDs.
  void add_for_user(std::string_view chain, std::string_view before, std::string_view target) {
    for (const UidRange& range : plan_.user.ranges) {
      const std::string uids = range.first == range.last
                                   ? fmt::format("{}", range.first)
                                   : fmt::format("{}-{}", range.first, range.last);
      add(chain, fmt::format("{}-m owner --uid-owner {} -j {}", before, uids, target));
    }
  }

  // What of the user's is neither queued nor refused, whatever the list says.
  void add_exceptions(std::string_view chain) {
    // Answers of the user's own servers to other users of this host.
    add(chain, "-o lo -m conntrack --ctdir REPLY -j RETURN");
    // A packet that nat redirected keeps the device that it was to go out by, so none is named.
    const std::string proxy = v6_ ? "::1/128" : "127.0.0.1/32";
    for (const char* protocol : {"udp", "tcp"}) {
      add(chain, fmt::format("-d {0} -p {1} -m {1} --dport {2} -j RETURN", proxy, protocol,
                             plan_.dns_port));
    }
    for (const FirewallPlan::Endpoint& endpoint : plan_.endpoints) {
      if (endpoint.address.is_v6 != v6_) continue;
      const bool any = address_class(endpoint.address) == AddressClass::unspecified;
      const std::string destination =
          any ? "" : fmt::format("-d {}/{} ", to_string(endpoint.address), v6_ ? 128 : 32);
      add(chain,
          fmt::format("{}-o lo -p tcp -m tcp --dport {} -j RETURN", destination, endpoint.port));
    }
  }

  std::string_view no_data() const { return v6_ ? kNoDataV6 : kNoDataV4; }

  void add_midway() {
    add("PICORTEX-MIDWAY", fmt::format("-p tcp -m tcp {} -m conntrack --ctstate NEW "
                                       "-j CONNMARK --set-xmark {}",
                                       kOpensNothing, mark(kMarkMidway)));
  }

  void add_queue() {
    const std::string queue = fmt::format("-j NFQUEUE --queue-num {} --queue-bypass", kEgressQueue);
    const std::string_view not_syn = "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN";
    const std::string_view syn = "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN";
    const std::string_view chain = "PICORTEX-QUEUE";
    add(chain, fmt::format("{} -m connmark --mark {} -j RETURN", not_syn, mark(kMarkAllowed)));
    if (plan_.learns) {
      for (const std::string_view packets : {not_syn, std::string_view("! -p tcp")}) {
        add(chain, fmt::format("{} -m connmark --mark {} -j RETURN", packets, mark(kMarkLearned)));
      }
    }
    const std::string pending =
        fmt::format("{} -m connmark --mark {} ", not_syn, mark(kMarkPending));
    add(chain, fmt::format("{}-m bpf --bytecode \"{}\" -j RETURN", pending, no_data()));
    add(chain, pending + queue);
    add_for_user(chain, "", "PICORTEX-QUEUE-USER");

    const std::string_view user = "PICORTEX-QUEUE-USER";
    add(user, fmt::format("{} -j RETURN", not_syn));
    add_exceptions(user);
    for (const char* protocol : {"udp", "tcp"}) {
      add(user, fmt::format("-p {0} -m {0} --dport 53 -j RETURN", protocol));  // nat's to redirect
    }
    // A port that is used again must not inherit what its last connection was marked.
    add(user, fmt::format("{} -j CONNMARK --set-xmark {}", syn, mark(0)));
    add(user, fmt::format("{} {}", syn, queue));
    // What is no TCP is refused; the queue hears of it for the record, so not of every packet.
    add(user, fmt::format("! -p tcp -m limit --limit 200/sec --limit-burst 400 {}", queue));
  }

  void add_dns() {
    for (const char* protocol : {"udp", "tcp"}) {
      add_for_user("PICORTEX-DNS", fmt::format("-p {0} -m {0} --dport 53 ", protocol),
                   fmt::format("REDIRECT --to-ports {}", plan_.dns_port));
    }
  }

  void add_filter() {
    const std::string_view egress = "PICORTEX-EGRESS";
    add(egress, fmt::format("-m connmark --mark {} -j RETURN", mark(kMarkAllowed)));
    if (plan_.learns) {
      add(egress, fmt::format("-m connmark --mark {} -j RETURN", mark(kMarkLearned)));
    }
    add(egress,
        fmt::format("-p tcp -m connmark --mark {} -g PICORTEX-PENDING", mark(kMarkPending)));
    // Not the reset that the refusal itself sends.
    add(egress, fmt::format("-p tcp -m tcp ! --tcp-flags RST RST -m connmark --mark {} "
                            "-j PICORTEX-REFUSE",
                            mark(kMarkRefused)));
    if (!plan_.learns) {
      add(egress, fmt::format("-p tcp -m tcp ! --tcp-flags RST RST -m connmark --mark {} "
                              "-j PICORTEX-REFUSE",
                              mark(kMarkLearned)));
    }
    add_for_user(egress, "", "PICORTEX-USER");
    for (const std::string& midway : {std::string("-m conntrack --ctstate INVALID,NEW"),
                                      fmt::format("-m connmark --mark {}", mark(kMarkMidway))}) {
      add(egress, fmt::format("-p tcp -m tcp {} {} -m owner ! --socket-exists -g PICORTEX-UNOWNED",
                              kOpensNothing, midway));
    }

    const std::string_view pending = "PICORTEX-PENDING";
    add(pending, fmt::format("-p tcp -m bpf --bytecode \"{}\" -j RETURN", no_data()));
    add_verdicts(pending);
    add(pending, "-j PICORTEX-REFUSE");

    const std::string_view user = "PICORTEX-USER";
    add_exceptions(user);
    add(user, fmt::format("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark {} "
                          "-j CONNMARK --set-xmark {}",
                          mark(kMarkPassed), mark(kMarkPending)));
    add_verdicts(user);
    add(user, "-j PICORTEX-REFUSE");

    const std::string_view unowned = "PICORTEX-UNOWNED";
    add(unowned, fmt::format("-p tcp -m bpf --bytecode \"{}\" -j RETURN", no_data()));
    add(unowned, "-j PICORTEX-REFUSE");

    const std::string_view refuse = "PICORTEX-REFUSE";
    add(refuse, fmt::format("-p tcp -j CONNMARK --set-xmark {}", mark(kMarkRefused)));
    add(refuse, "-p tcp -j REJECT --reject-with tcp-reset");
    add(refuse, fmt::format("-j REJECT --reject-with {}",
                            v6_ ? "icmp6-port-unreachable" : "icmp-port-unreachable"));
  }

  void add_verdicts(std::string_view chain) {
    add(chain, fmt::format("-m mark --mark {} -j RETURN", mark(kMarkPassed)));
    for (const std::uint32_t verdict : {kMarkAllowed, kMarkLearned}) {
      if (verdict == kMarkLearned && !plan_.learns) continue;
      add(chain, fmt::format("-m mark --mark {0} -j CONNMARK --set-xmark {0}", mark(verdict)));
      add(chain, fmt::format("-m mark --mark {} -j RETURN", mark(verdict)));
    }
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
