#include "cli/doctor/packet_filter.h"

#include <algorithm>
#include <utility>

#include "base/parse.h"
#include "base/text.h"

namespace picortex {
namespace {

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return trimmed(line, " \t\r");
}

// The word after a keyword, such as the name in "chain output {".
std::string_view word_after(std::string_view line, std::string_view keyword) {
  line.remove_prefix(keyword.size());
  return trimmed(line.substr(0, line.find('{')));
}

// The tables into which iptables' nft variant translates its rules: `egress status` compares them.
bool is_iptables_table(std::string_view table) {
  for (const std::string_view family : {"ip ", "ip6 "}) {
    if (!table.starts_with(family)) continue;
    const std::string_view name = table.substr(family.size());
    return name == "raw" || name == "mangle" || name == "nat" || name == "filter" ||
           name == "security";
  }
  return false;
}

}  // namespace

SavedRules parse_output_rules(std::string_view saved) {
  SavedRules rules;
  while (!saved.empty()) {
    const std::string_view line = take_line(saved);
    if (line.starts_with(":PICORTEX-")) rules.has_fence = true;
    if (line.starts_with("-A OUTPUT ")) rules.output.emplace_back(line);
  }
  return rules;
}

SavedRules read_rules_of(const Host& host) {
  SavedRules all;
  for (const char* program : {"iptables-save", "ip6tables-save"}) {
    const std::string command[] = {program};
    const auto said = host.run(command);
    if (!said || said->status != 0) continue;
    SavedRules rules = parse_output_rules(said->output);
    all.has_fence = all.has_fence || rules.has_fence;
    all.output.insert(all.output.end(), rules.output.begin(), rules.output.end());
  }
  return all;
}

std::string name_owner(const SavedRules& saved) {
  constexpr std::pair<std::string_view, std::string_view> kChains[] = {
      {"-j ufw", "ufw"},       {"-j DOCKER", "Docker"},    {"-j OUTPUT_direct", "firewalld"},
      {"-j f2b-", "fail2ban"}, {"-j LIBVIRT_", "libvirt"}, {"-j KUBE-", "Kubernetes"},
      {"-j cali-", "Calico"},  {"-j CILIUM_", "Cilium"},   {"-j sshuttle-", "sshuttle"},
      {"-j ts-", "Tailscale"}};
  for (const std::string& rule : saved.output) {
    if (rule.find("-j PICORTEX-") != rule.npos) continue;
    for (const auto& [chain, owner] : kChains) {
      if (rule.find(chain) != rule.npos) return std::string(owner);
    }
  }
  return {};
}

std::vector<MarkingChain> find_marking_chains(std::string_view ruleset) {
  std::vector<MarkingChain> found;
  std::string_view table;
  std::string_view chain;
  bool is_output = false;
  while (!ruleset.empty()) {
    const std::string_view line = take_line(ruleset);
    if (line.starts_with("table ")) {
      table = word_after(line, "table ");
      is_output = false;
    } else if (line.starts_with("chain ")) {
      chain = word_after(line, "chain ");
      is_output = false;
    } else if (line.starts_with("type ")) {
      is_output =
          line.find("hook output") != line.npos || line.find("hook postrouting") != line.npos;
    } else if (is_output && !is_iptables_table(table) && line.find("mark set ") != line.npos) {
      found.push_back({std::string(table), std::string(chain), std::string(line)});
    }
  }
  return found;
}

bool has_queue(std::string_view queues, std::uint16_t number) {
  while (!queues.empty()) {
    std::string_view line = take_line(queues);
    if (take_whole<std::uint16_t>(line) == number && line.starts_with(' ')) return true;
  }
  return false;
}

}  // namespace picortex
