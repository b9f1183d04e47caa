#include "netfilter/kernel/firewall.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/parse.h"
#include "netfilter/attribution/program.h"

namespace picortex {
namespace {

// The programs of one address family.
struct Family {
  const char* save;
  const char* restore;
  const char* name;
  bool is_v6;
};
constexpr Family kFamilies[] = {{"iptables-save", "iptables-restore", "IPv4", false},
                                {"ip6tables-save", "ip6tables-restore", "IPv6", true}};

// The fence's part of a family's tables: the rules of its chains, and those of the hooks, by "table
// chain".
using Saved = std::map<std::string, std::vector<std::string>, std::less<>>;

std::string key_of(std::string_view table, std::string_view chain) {
  return fmt::format("{} {}", table, chain);
}

// iptables-save(8): "*table", ":CHAIN POLICY [packets:bytes]", "-A CHAIN rule", "COMMIT".
Saved parse_saved(std::string_view text) {
  Saved saved;
  std::string_view table;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (line.starts_with('*')) {
      table = line.substr(1);
    } else if (line.starts_with(':')) {
      saved.try_emplace(key_of(table, line.substr(1, line.find(' ') - 1)));
    } else if (line.starts_with("-A ")) {
      const std::string_view chain = line.substr(3, line.find(' ', 3) - 3);
      saved[key_of(table, chain)].emplace_back(line);
    }
  }
  return saved;
}

// Returns the rule, without "-A", that leads to a chain.
std::string jump_to(std::string_view hook, std::string_view chain) {
  return fmt::format("{} -j {}", hook, chain);
}

const std::vector<std::string>* find_chain(const Saved& saved, std::string_view table,
                                           std::string_view chain) {
  const auto found = saved.find(key_of(table, chain));
  return found == saved.end() ? nullptr : &found->second;
}

std::size_t count_jumps(const Saved& saved, std::string_view table, std::string_view hook,
                        std::string_view chain) {
  const auto* rules = find_chain(saved, table, hook);
  if (rules == nullptr) return 0;
  return static_cast<std::size_t>(std::ranges::count(*rules, "-A " + jump_to(hook, chain)));
}

// True if the jump precedes every rule that could accept or drop what the fence must see.
bool jump_is_first(const Saved& saved, std::string_view table, std::string_view hook,
                   std::string_view chain) {
  const auto* rules = find_chain(saved, table, hook);
  return rules != nullptr && !rules->empty() && rules->front() == "-A " + jump_to(hook, chain);
}

std::string first_line(std::string_view text) {
  while (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  return std::string(text.substr(0, std::min<std::size_t>(text.find('\n'), 300)));
}

// Returns the rule that was rejected, from "… line 12: …" or "line 12 failed".
std::string_view denied_rule(std::string_view errors, std::string_view input) {
  const std::size_t at = errors.find("line ");
  if (at == errors.npos) return {};
  errors.remove_prefix(at + 5);
  std::size_t number = take_whole<std::size_t>(errors).value_or(0);
  for (; number > 1 && !input.empty(); --number) {
    const std::size_t end = input.find('\n');
    input = end == input.npos ? std::string_view{} : input.substr(end + 1);
  }
  return number == 1 ? input.substr(0, input.find('\n')) : std::string_view{};
}

// Returns the kernel modules that the matches and targets of a rule need.
std::string modules_of(std::string_view rule) {
  static constexpr std::pair<std::string_view, std::string_view> kModules[] = {
      {"-m owner", "xt_owner"},
      {"connmark", "xt_connmark"},
      {"CONNMARK", "xt_connmark"},
      {"NFQUEUE", "xt_NFQUEUE nfnetlink_queue"},
      {"-m bpf", "xt_bpf"},
      {"-m connbytes", "xt_connbytes"},
      {"-m mark", "xt_mark"},
      {"-m conntrack", "xt_conntrack"},
      {"-m limit", "xt_limit"},
      {"-m hashlimit", "xt_hashlimit"},
      {"-m addrtype", "xt_addrtype"},
      {"-j CT", "xt_CT nf_conntrack"},
      {"NFLOG", "xt_NFLOG nfnetlink_log"},
      {"-j MARK", "xt_mark"},
      {"TCPOPTSTRIP", "xt_TCPOPTSTRIP"},
      {"REDIRECT", "xt_REDIRECT nf_nat"},
      {"REJECT", "ipt_REJECT ip6t_REJECT"}};
  std::string modules;
  for (const auto& [word, module] : kModules) {
    if (rule.find(word) == rule.npos || modules.find(module) != modules.npos) continue;
    modules.append(modules.empty() ? "" : " ").append(module);
  }
  return modules;
}

Error explain(const Family& family, const ProgramResult& result, std::string_view input) {
  const std::string_view rule = denied_rule(result.errors, input);
  const std::string modules = modules_of(rule);
  std::string what = fmt::format("{} failed: {}", family.restore, first_line(result.errors));
  // The older iptables opens a lock file of root's and a raw socket; of the latter its kernel says
  // only that there is no table.
  for (const std::string_view refusal : {"unable to initialize table", "can't open lock file"}) {
    if (result.errors.find(refusal) == std::string::npos) continue;
    what +=
        "; iptables-legacy needs CAP_NET_RAW and /run/xtables.lock: run update-alternatives --set "
        "iptables /usr/sbin/iptables-nft, and the same for ip6tables";
  }
  if (!modules.empty()) {
    what += fmt::format("; the rule was \"{}\": if the kernel lacks a module of it, modprobe {}",
                        rule, modules);
  }
  return {what};
}

Error cannot_start(Error error) {
  if (error.code == ENOENT) error.what += "; install the package iptables";
  return error;
}

Result<Saved> read_saved(const Family& family) {
  const std::string command[] = {family.save};
  auto result = run_program(command, {});
  if (!result) return std::unexpected(cannot_start(result.error()));
  if (result->status != 0) {
    return failure(fmt::format("{} failed: {}", family.save, first_line(result->errors)));
  }
  return parse_saved(result->output);
}

Result<void> restore(const Family& family, std::string_view input) {
  if (input.empty()) return {};
  const std::string command[] = {family.restore, "--noflush", "--wait", "5"};
  auto result = run_program(command, input);
  if (!result) return std::unexpected(cannot_start(result.error()));
  if (result->status != 0) return std::unexpected(explain(family, *result, input));
  return {};
}

void append_jump_removals(std::string& text, const Saved& saved, std::string_view table,
                          std::string_view hook, std::string_view chain) {
  for (std::size_t count = count_jumps(saved, table, hook, chain); count > 0; --count) {
    text += fmt::format("-D {}\n", jump_to(hook, chain));
  }
}

// Empties the table's chains first, since one may lead to another.
void append_removals(std::string& text, const Saved& saved, std::string_view table,
                     std::span<const ChainName> chains) {
  std::string ends;
  for (const ChainName& chain : chains) {
    if (chain.table != table || find_chain(saved, table, chain.name) == nullptr) continue;
    if (!chain.hook.empty()) append_jump_removals(text, saved, table, chain.hook, chain.name);
    text += fmt::format("-F {}\n", chain.name);
    ends += fmt::format("-X {}\n", chain.name);
  }
  text += ends;
}

// A chain that is declared is emptied first; a table is replaced as a whole.
std::string install_text(const std::vector<FirewallChain>& chains, const Saved& saved) {
  std::string text;
  for (std::size_t i = 0; i < chains.size();) {
    const std::string_view table = chains[i].table;
    const std::size_t begin = i;
    while (i < chains.size() && chains[i].table == table) ++i;
    const std::span of_table(chains.data() + begin, i - begin);
    text += fmt::format("*{}\n", table);
    for (const FirewallChain& chain : of_table) text += fmt::format(":{} - [0:0]\n", chain.name);
    for (const FirewallChain& chain : of_table) {
      for (const std::string& rule : chain.rules) text += rule + '\n';
    }
    for (const FirewallChain& chain : of_table) {
      if (chain.hook.empty()) continue;
      append_jump_removals(text, saved, table, chain.hook, chain.name);
      text += fmt::format("-I {} 1 -j {}\n", chain.hook, chain.name);
    }
    append_removals(text, saved, table, kRetiredChains);
    text += "COMMIT\n";
  }
  return text;
}

std::string removal_text(const Saved& saved) {
  std::string text;
  for (const std::string_view table : {"raw", "mangle", "nat", "filter"}) {
    std::string rules;
    append_removals(rules, saved, table, kFirewallChains);
    append_removals(rules, saved, table, kRetiredChains);
    if (!rules.empty()) text += fmt::format("*{}\n{}COMMIT\n", table, rules);
  }
  return text;
}

// Returns whether a rule of another program writes to the bits of marks that belong to the fence:
// changing a packet between the mangle table and the filter table undoes the denial.
bool overwrites_marks(std::string_view rule, std::uint32_t marks) {
  const bool writes =
      rule.find("-j MARK ") != rule.npos ||
      (rule.find("-j CONNMARK --") != rule.npos && rule.find("--save-mark") == rule.npos);
  if (!writes) return false;
  for (const std::string_view option : {"--set-xmark ", "--nfmask "}) {
    std::size_t at = rule.find(option);
    if (at == rule.npos) continue;
    at += option.size();
    if (option.starts_with("--set")) at = rule.find('/', at) + 1;
    std::string_view mask = rule.substr(at);
    if (!mask.starts_with("0x")) return true;
    mask.remove_prefix(2);
    return (take_whole<std::uint32_t>(mask, 16).value_or(0) & marks) != 0;
  }
  return true;
}

void compare_others(const Saved& saved, std::uint32_t marks,
                    std::vector<std::string>& differences) {
  for (const ChainName& chain : kRetiredChains) {
    if (find_chain(saved, chain.table, chain.name) == nullptr) continue;
    differences.push_back(
        fmt::format("{}: the chain {} is an earlier version's", chain.table, chain.name));
  }
  const auto* rules = find_chain(saved, "mangle", "OUTPUT");
  if (rules == nullptr) return;
  for (const std::string& rule : *rules) {
    if (overwrites_marks(rule, marks)) {
      differences.push_back(fmt::format("mangle: overwrites the fence's marks: {}", rule));
    }
  }
}

// Returns the bits that the fence's own rules use.
std::uint32_t marks_of(const std::vector<FirewallChain>& chains) {
  const std::string metered = fmt::format("/{:#x}", kMarkMask | kMarkMetered);
  for (const FirewallChain& chain : chains) {
    for (const std::string& rule : chain.rules) {
      if (rule.find(metered) != rule.npos) return kMarkMask | kMarkMetered;
    }
  }
  return kMarkMask;
}

std::vector<std::string> compare(const Saved& saved, const std::vector<FirewallChain>& chains) {
  std::vector<std::string> differences;
  for (const FirewallChain& chain : chains) {
    const auto* found = find_chain(saved, chain.table, chain.name);
    if (found == nullptr) {
      differences.push_back(fmt::format("{}: the chain {} is missing", chain.table, chain.name));
      continue;
    }
    for (const std::string& rule : chain.rules) {
      if (std::ranges::find(*found, rule) == found->end()) {
        differences.push_back(fmt::format("{}: missing: {}", chain.table, rule));
      }
    }
    for (const std::string& rule : *found) {
      if (std::ranges::find(chain.rules, rule) == chain.rules.end()) {
        differences.push_back(fmt::format("{}: not of the fence: {}", chain.table, rule));
      }
    }
    if (differences.empty() && *found != chain.rules) {
      differences.push_back(
          fmt::format("{}: the rules of {} are in another order", chain.table, chain.name));
    }
    if (chain.hook.empty()) continue;
    const std::size_t jumps = count_jumps(saved, chain.table, chain.hook, chain.name);
    if (jumps != 1) {
      differences.push_back(fmt::format("{}: {} jumps to {} {} times instead of once", chain.table,
                                        chain.hook, chain.name, jumps));
    } else if (!jump_is_first(saved, chain.table, chain.hook, chain.name)) {
      differences.push_back(fmt::format("{}: {} has rules ahead of its jump to {}", chain.table,
                                        chain.hook, chain.name));
    }
  }
  compare_others(saved, marks_of(chains), differences);
  return differences;
}

}  // namespace

Result<void> check_net_admin() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
  if (syscall(SYS_capget, &header, data) == 0 && (data[0].effective >> CAP_NET_ADMIN & 1) != 0) {
    return {};
  }
  return failure(
      "the fence needs CAP_NET_ADMIN, which this process lacks: run it as root, or give the "
      "service "
      "AmbientCapabilities=CAP_NET_ADMIN",
      EPERM);
}

std::vector<std::string> compare_firewall(std::string_view saved,
                                          const std::vector<FirewallChain>& chains) {
  return compare(parse_saved(saved), chains);
}

Result<FirewallChange> install_firewall(const FirewallPlan& plan) {
  TRY(check_net_admin());
  auto change = FirewallChange::none;
  for (const Family& family : kFamilies) {
    const auto chains = firewall_chains(plan, family.is_v6);
    auto saved = TRY(read_saved(family));
    if (compare(saved, chains).empty()) continue;
    TRY(restore(family, install_text(chains, saved)));
    const bool was_there = find_chain(saved, "filter", "PICORTEX-EGRESS") != nullptr;
    change = std::max(change, was_there ? FirewallChange::fixed : FirewallChange::fresh);
  }
  return change;
}

Result<bool> remove_firewall() {
  TRY(check_net_admin());
  bool changed = false;
  for (const Family& family : kFamilies) {
    auto saved = TRY(read_saved(family));
    const std::string text = removal_text(saved);
    changed = changed || !text.empty();
    TRY(restore(family, text));
  }
  return changed;
}

Result<std::vector<std::string>> check_firewall(const FirewallPlan& plan) {
  TRY(check_net_admin());
  std::vector<std::string> differences;
  for (const Family& family : kFamilies) {
    auto saved = TRY(read_saved(family));
    for (const std::string& difference : compare(saved, firewall_chains(plan, family.is_v6))) {
      differences.push_back(fmt::format("{} {}", family.name, difference));
    }
  }
  return differences;
}

}  // namespace picortex
