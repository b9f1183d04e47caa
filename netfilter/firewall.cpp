#include "netfilter/firewall.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>

#include "netfilter/program.h"

namespace picortex {
namespace {

// One family's programs.
struct Family {
  const char* save;
  const char* restore;
  const char* name;
  bool is_v6;
};
constexpr Family kFamilies[] = {{"iptables-save", "iptables-restore", "IPv4", false},
                                {"ip6tables-save", "ip6tables-restore", "IPv6", true}};

// What a family's tables hold of the fence: the rules of its chains, and of the hooks', by
// "table chain".
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

// The rule behind "-A" that leads to a chain.
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

// Ahead of every rule that could accept or drop what the fence has to see.
bool jump_is_first(const Saved& saved, std::string_view table, std::string_view hook,
                   std::string_view chain) {
  const auto* rules = find_chain(saved, table, hook);
  return rules != nullptr && !rules->empty() && rules->front() == "-A " + jump_to(hook, chain);
}

std::string first_line(std::string_view text) {
  while (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  return std::string(text.substr(0, std::min<std::size_t>(text.find('\n'), 300)));
}

// "… line 12: …" or "line 12 failed" names the rule that was refused.
std::string_view refused_rule(std::string_view errors, std::string_view input) {
  const std::size_t at = errors.find("line ");
  std::size_t number = 0;
  if (at == errors.npos) return {};
  std::from_chars(errors.data() + at + 5, errors.data() + errors.size(), number);
  for (; number > 1 && !input.empty(); --number) {
    const std::size_t end = input.find('\n');
    input = end == input.npos ? std::string_view{} : input.substr(end + 1);
  }
  return number == 1 ? input.substr(0, input.find('\n')) : std::string_view{};
}

// The kernel modules behind the matches and targets of a rule.
std::string modules_of(std::string_view rule) {
  static constexpr std::pair<std::string_view, std::string_view> kModules[] = {
      {"-m owner", "xt_owner"},
      {"connmark", "xt_connmark"},
      {"CONNMARK", "xt_connmark"},
      {"NFQUEUE", "xt_NFQUEUE nfnetlink_queue"},
      {"-m bpf", "xt_bpf"},
      {"-m mark", "xt_mark"},
      {"-m conntrack", "xt_conntrack"},
      {"-m limit", "xt_limit"},
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
  const std::string_view rule = refused_rule(result.errors, input);
  const std::string modules = modules_of(rule);
  std::string what = fmt::format("{} failed: {}", family.restore, first_line(result.errors));
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

// A chain that is declared is emptied first; a table is exchanged as a whole.
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
    text += "COMMIT\n";
  }
  return text;
}

std::string removal_text(const Saved& saved) {
  std::string text;
  for (const std::string_view table : {"mangle", "nat", "filter"}) {
    std::string rules;
    std::string ends;
    for (const ChainName& chain : kFirewallChains) {
      if (chain.table != table || find_chain(saved, table, chain.name) == nullptr) continue;
      if (!chain.hook.empty()) append_jump_removals(rules, saved, table, chain.hook, chain.name);
      rules += fmt::format("-F {}\n", chain.name);
      ends += fmt::format("-X {}\n", chain.name);
    }
    if (!ends.empty()) text += fmt::format("*{}\n{}{}COMMIT\n", table, rules, ends);
  }
  return text;
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
  if (auto able = check_net_admin(); !able) return std::unexpected(able.error());
  auto change = FirewallChange::none;
  for (const Family& family : kFamilies) {
    const auto chains = firewall_chains(plan, family.is_v6);
    auto saved = read_saved(family);
    if (!saved) return std::unexpected(saved.error());
    if (compare(*saved, chains).empty()) continue;
    if (auto done = restore(family, install_text(chains, *saved)); !done) {
      return std::unexpected(done.error());
    }
    const bool was_there = find_chain(*saved, "filter", "PICORTEX-EGRESS") != nullptr;
    change = std::max(change, was_there ? FirewallChange::mended : FirewallChange::fresh);
  }
  return change;
}

Result<bool> remove_firewall() {
  if (auto able = check_net_admin(); !able) return std::unexpected(able.error());
  bool changed = false;
  for (const Family& family : kFamilies) {
    auto saved = read_saved(family);
    if (!saved) return std::unexpected(saved.error());
    const std::string text = removal_text(*saved);
    changed = changed || !text.empty();
    if (auto done = restore(family, text); !done) return std::unexpected(done.error());
  }
  return changed;
}

Result<std::vector<std::string>> check_firewall(const FirewallPlan& plan) {
  if (auto able = check_net_admin(); !able) return std::unexpected(able.error());
  std::vector<std::string> differences;
  for (const Family& family : kFamilies) {
    auto saved = read_saved(family);
    if (!saved) return std::unexpected(saved.error());
    for (const std::string& difference : compare(*saved, firewall_chains(plan, family.is_v6))) {
      differences.push_back(fmt::format("{} {}", family.name, difference));
    }
  }
  return differences;
}

}  // namespace picortex
