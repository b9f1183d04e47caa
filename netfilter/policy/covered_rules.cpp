#include "netfilter/policy/covered_rules.h"

#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace picortex {
namespace {

bool has_words_of(const Rule& wider, const Rule& rule) noexcept {
  // A rule has a budget of its own, and is not counted against another one's.
  const bool is_same_target =
      wider.kind == rule.kind && wider.name == rule.name && wider.network == rule.network;
  if (rule.upload.is_given() || (wider.upload.is_given() && !is_same_target)) return false;
  return wider.expires_ms >= rule.expires_ms && (wider.permits_private || !rule.permits_private) &&
         (wider.dns_suffices || !rule.dns_suffices) &&
         (wider.permits_upgrade || !rule.permits_upgrade);
}

// Whether the network is wider than what a rule for addresses of such a class must be.
bool leaves_out(const IpNetwork& network, const IpAddress& address) noexcept {
  switch (address_class(address)) {
    case AddressClass::loopback:
    case AddressClass::link_local:
    case AddressClass::metadata:
      return address_class(network.address) != address_class(address);
    default:
      return false;
  }
}

class RuleCover {
 public:
  RuleCover(const Allowlist& list, std::int64_t now_ms) : rules_(list.rules()) {
    for (RuleIndex i = 0; i < rules_.size(); ++i) {
      if (rules_[i].expires_ms <= now_ms) continue;
      by_key_[key_of(rules_[i])].push_back(i);
      if (rules_[i].kind == RuleKind::network) sizes_.insert(rules_[i].network.prefix_size);
    }
  }

  std::optional<RuleIndex> find(RuleIndex index) const {
    const Rule& rule = rules_[index];
    if (const auto same = find_equal(index)) return same;
    Rule wider = rule;
    if (rule.kind == RuleKind::network) {
      for (const std::uint8_t size : sizes_) {
        if (size >= rule.network.prefix_size) break;
        wider.network = network_of(rule.network.address, size);
        if (leaves_out(wider.network, rule.network.address)) continue;
        if (const auto found = find_wider(wider, rule)) return found;
      }
      return std::nullopt;
    }
    wider.kind = RuleKind::subdomains;
    for (auto parent = parent_name(rule.name); !parent.empty(); parent = parent_name(parent)) {
      wider.name = parent;
      if (const auto found = find_wider(wider, rule)) return found;
    }
    return std::nullopt;
  }

 private:
  static std::string key_of(const Rule& rule) {
    std::string key(1, static_cast<char>(rule.kind));
    key += std::to_string(rule.port) + ' ' + rule.name;
    if (rule.kind == RuleKind::network) {
      key += to_string(rule.network.address) + '/' + std::to_string(rule.network.prefix_size);
    }
    return key;
  }

  // Of rules that cover each other only the first stays.
  std::optional<RuleIndex> find_equal(RuleIndex index) const {
    const auto found = by_key_.find(key_of(rules_[index]));
    if (found == by_key_.end()) return std::nullopt;
    for (const RuleIndex other : found->second) {
      if (other == index || !has_words_of(rules_[other], rules_[index])) continue;
      if (other < index || !has_words_of(rules_[index], rules_[other])) return other;
    }
    return std::nullopt;
  }

  std::optional<RuleIndex> find_wider(const Rule& wider, const Rule& rule) const {
    const auto found = by_key_.find(key_of(wider));
    if (found == by_key_.end()) return std::nullopt;
    for (const RuleIndex other : found->second) {
      if (has_words_of(rules_[other], rule)) return other;
    }
    return std::nullopt;
  }

  const std::vector<Rule>& rules_;
  std::unordered_map<std::string, std::vector<RuleIndex>> by_key_;
  std::set<std::uint8_t> sizes_;  // of networks
};

}  // namespace

std::vector<CoveredRule> find_covered_rules(const Allowlist& list, std::int64_t now_ms) {
  const RuleCover cover(list, now_ms);
  std::vector<CoveredRule> covered;
  for (RuleIndex i = 0; i < list.rules().size(); ++i) {
    if (list.rules()[i].expires_ms <= now_ms) continue;
    if (const auto by = cover.find(i)) covered.push_back({i, *by});
  }
  return covered;
}

}  // namespace picortex
