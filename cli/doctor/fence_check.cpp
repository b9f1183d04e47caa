#include <algorithm>
#include <array>
#include <cerrno>

#include "base/terminal.h"
#include "base/text.h"
#include "cli/doctor/checks.h"
#include "cli/doctor/packet_filter.h"
#include "cli/egress/allowlist_files.h"
#include "daemon/egress/fence_plan.h"
#include "netfilter/kernel/fenced_user.h"
#include "netfilter/kernel/firewall.h"

namespace picortex {
namespace {

constexpr std::string_view kInstall = "picortex egress install";

// Whose members can act as root, or start programs outside of their own user.
constexpr std::array<std::string_view, 8> kPowerfulGroups{"docker", "lxd",   "incus",  "libvirt",
                                                          "sudo",   "wheel", "podman", "disk"};

void check_user(const Examined& examined, const FencedUser& user, Findings& findings) {
  const auto known = examined.host.find_user(std::to_string(user.uid()));
  bool is_powerful = false;
  for (const std::string& group :
       known ? examined.host.groups_of(*known) : std::vector<std::string>()) {
    if (std::ranges::find(kPowerfulGroups, group) == kPowerfulGroups.end()) continue;
    is_powerful = true;
    findings.problem("fence.groups",
                     known->name + " is in the group " + group +
                         ", whose members can start programs outside of the fence",
                     "gpasswd -d " + shell_word(known->name) + ' ' + shell_word(group));
  }
  if (!is_powerful) {
    findings.ok("fence.groups", user.name + " is in no group that leads around the fence");
  }
}

// A difference that check_firewall() reports, sorted by what is to be done.
void report_difference(const std::string& difference, const SavedRules& saved, Findings& findings) {
  constexpr std::string_view kMarks = "overwrites the fence's marks: ";
  const std::size_t marks = difference.find(kMarks);
  if (marks != difference.npos) {
    const std::string rule = difference.substr(marks + kMarks.size());
    const std::string_view program = difference.starts_with("IPv6") ? "ip6tables" : "iptables";
    return findings.problem("fence.marks",
                            "a rule of another program overwrites the fence's marks: " + rule,
                            std::string(program) + " -t mangle -D" +
                                rule.substr(std::min<std::size_t>(2, rule.size())));
  }
  if (difference.find("has rules ahead of its jump") != difference.npos) {
    const std::string owner = name_owner(saved);
    return findings.problem("fence.order",
                            difference + (owner.empty() ? "" : " (" + owner + ')') +
                                ": what they accept, the fence does not see",
                            std::string(kInstall));
  }
  findings.problem("fence.rules", difference, std::string(kInstall));
}

void report_differences(const std::vector<std::string>& differences, const SavedRules& saved,
                        Findings& findings) {
  const bool is_missing = std::ranges::all_of(
      differences, [](const std::string& one) { return one.find("is missing") != one.npos; });
  if (differences.empty()) return findings.ok("fence.rules", "the rules are as expected");
  if (is_missing) {
    return findings.problem("fence.rules",
                            "the firewall's rules are not installed: the user is not fenced",
                            std::string(kInstall));
  }
  constexpr std::size_t kShown = 8;
  for (std::size_t i = 0; i < std::min(differences.size(), kShown); ++i) {
    report_difference(differences[i], saved, findings);
  }
}

void check_rules(const Examined& examined, Findings& findings) {
  const ServeOptions& options = examined.options();
  auto plan = make_firewall_plan(options.egress_mode, options.egress_user, options.egress_dns_port,
                                 options.listen);
  if (!plan) {
    return findings.problem("fence.user", plan.error().what,
                            "useradd --create-home " + shell_word(options.egress_user));
  }
  check_user(examined, plan->user, findings);
  if (auto permitted = check_net_admin(); !permitted) {
    return findings.skipped("fence.rules", "only root can read the firewall's rules");
  }
  plan->meters = limits_uploads(options.egress_allowlist, options.data_dir, options.egress_upload);
  const auto differences = check_firewall(*plan);
  if (!differences) {
    const bool is_absent =
        differences.error().what.find("install the package iptables") != std::string::npos;
    return findings.problem("fence.rules", differences.error().what,
                            is_absent ? "apt install -y iptables" : std::string(kInstall));
  }
  report_differences(*differences, read_rules_of(examined.host), findings);
}

// The daemon receives packets for its verdict on this queue (nfnetlink_queue: number, port id, …,
// packets dropped since the queue was full).
void check_queue(const Examined& examined, Findings& findings) {
  const auto text = examined.host.read("/proc/net/netfilter/nfnetlink_queue");
  if (!text)
    return findings.skipped("fence.queue", "the kernel does not show its packet queues here");
  if (has_queue(*text, kEgressQueue)) {
    return findings.ok("fence.queue", "the daemon decides about the user's packets");
  }
  findings.problem("fence.queue", "no daemon serves the packet queue: the user reaches nothing new",
                   examined.host.has_systemd() ? "systemctl restart picortex" : "picortex serve");
}

// Without a fence, rules that remain deny everything.
void check_no_rules(const Examined& examined, Findings& findings) {
  if (auto permitted = check_net_admin(); !permitted) {
    return findings.skipped("fence.rules", "only root can read the firewall's rules");
  }
  if (read_rules_of(examined.host).has_fence) {
    return findings.problem("fence.rules",
                            "PICORTEX_EGRESS_MODE is off, but the fence's rules are installed: its "
                            "user reaches nothing",
                            "picortex egress remove");
  }
  findings.ok("fence.rules", "PICORTEX_EGRESS_MODE is off, and there are no rules");
}

void check_others(const Examined& examined, Findings& findings) {
  const std::string list[] = {"nft", "list", "ruleset"};
  const auto said = examined.host.run(list);
  if (!said || said->status != 0) {
    return findings.skipped(
        "fence.nftables",
        "nft is not installed: tables that iptables does not show are not looked at");
  }
  const auto chains = find_marking_chains(said->output);
  for (const MarkingChain& chain : chains) {
    findings.warning("fence.nftables",
                     "the chain " + chain.name + " of the table " + chain.table +
                         " sets marks on what leaves: " + display(chain.rule) +
                         "; a mark of the fence that it overwrites is a denial undone",
                     "nft list chain " + chain.table + ' ' + chain.name);
  }
  if (chains.empty()) findings.ok("fence.nftables", "no other table sets marks on what leaves");
}

}  // namespace

void check_fence(const Examined& examined, Findings& findings) {
  if (examined.options().egress_mode == EgressMode::off) return check_no_rules(examined, findings);
  check_rules(examined, findings);
  check_queue(examined, findings);
  check_others(examined, findings);
}

}  // namespace picortex
