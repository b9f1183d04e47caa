#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/net/ip_address.h"
#include "netfilter/budget/upload_budget.h"
#include "netfilter/wire/host_name.h"

namespace picortex {

// A rule's place in its Allowlist, by which callers count hits and last use.
using RuleIndex = std::uint32_t;

enum class RuleSource : std::uint8_t { built_in, list, temporary };
enum class RuleKind : std::uint8_t { host, subdomains, network };

struct Rule {
  RuleKind kind = RuleKind::host;
  RuleSource source = RuleSource::built_in;
  std::uint16_t port = 443;
  std::uint32_t line = 0;  // in its source, from 1
  bool permits_private = false;
  bool dns_suffices = false;
  bool permits_upgrade = false;
  UploadBudget upload;
  std::int64_t expires_ms = std::numeric_limits<std::int64_t>::max();  // Unix time
  std::string name;   // normalized; for `*.host` the host; empty for a network
  IpNetwork network;  // of a network
  std::string text;   // as written, without comment and outer blanks
};

// A line that was not accepted.
struct RuleProblem {
  std::uint32_t line = 0;
  const char* reason = "";
};

// The part of the fenced user's egress that the operator allows (TCP). One rule a line:
//
//   line    = [pattern *(1*blank word) | "!" host] *blank ["#" comment]
//   pattern = host [":" port]               that name alone
//           | "*." host [":" port]          any name below it, at any depth, not the name itself
//           | v4 ["/" bits] [":" port]      addresses, whatever the name
//           | "[" v6 ["/" bits] "]" [":" port]
//   word    = "private"                     the name may resolve to private addresses
//           | "dns-only"                    the address that the name resolved to is sufficient
//                                           proof: for protocols that show no name (such as ssh)
//           | "upgrade"                     an HTTP connection may switch to another protocol
//                                           (WebSocket), whose host cannot be known any more
//           | "upload=" upload              how much may be sent: budget/upload_budget.h
//           | "expires=" RFC 3339 time      the rule ends by itself
//
// "!" host, in the operator's list only, is no rule: it leaves out the built-in one for that host.
//
// The default port is 443. A name may resolve to loopback, link-local or metadata addresses only if
// a pattern names the address itself. Nor does a network include them if it is wider than they are:
// loopback requires 127.0.0.0/8 or less, link-local addresses 169.254.0.0/16 or fe80::/10 or less,
// a metadata address itself. Holds kRulesMax rules; matching costs a hash look-up for each label,
// or for each prefix size in use.
class Allowlist {
 public:
  static constexpr std::size_t kRulesMax = 100'000;
  static constexpr std::size_t kTextSizeMax = 1 << 20;
  static constexpr std::size_t kProblemsMax = 100;

  // What a rule for a name must permit.
  struct NameNeed {
    std::string_view name;    // normalized, as HostName returns it
    std::uint16_t port = 0;   // 0: any
    bool is_private = false;  // by a rule with `private`
    bool dns_only = false;    // by a rule with `dns-only`
    bool upgrade = false;     // by a rule with `upgrade`
  };

  // Adds the rules of `text`, at most kTextSizeMax bytes, and returns the invalid lines (the first
  // kProblemsMax); the valid ones are added.
  std::vector<RuleProblem> add(std::string_view text, RuleSource source);

  // Returns the first rule that has not expired and permits it; an exact name's before `*.host`'s,
  // the longer suffix or prefix before the shorter. `port` 0: any.
  std::optional<RuleIndex> match(const NameNeed& need, std::int64_t now_ms) const;
  std::optional<RuleIndex> match(const IpAddress& address, std::uint16_t port,
                                 std::int64_t now_ms) const;

  // Calls `visit(std::uint16_t port)` for each rule that may mean the name, expired ones included,
  // until it returns true.
  template <class Visit>
  void find_port(std::string_view name, Visit visit) const {
    const auto find_in = [&](const NameMap& names, std::string_view key) {
      const auto found = names.find(key);
      if (found == names.end()) return false;
      for (RuleIndex i = found->second.first; i != kNone; i = next_[i]) {
        if (visit(rules_[i].port)) return true;
      }
      return false;
    };
    if (find_in(hosts_, name)) return;
    for (auto suffix = parent_name(name); !suffix.empty(); suffix = parent_name(suffix)) {
      if (find_in(subdomains_, suffix)) return;
    }
  }

  const std::vector<Rule>& rules() const noexcept { return rules_; }

  // Returns the budget of the last rule for the same target and port that has one and has not
  // expired: a temporary rule's before the list's. Not given where none has one.
  UploadBudget upload_of(RuleIndex rule, std::int64_t now_ms) const;
  // Whether any rule, expired or not, limits uploads.
  bool has_upload_limits() const noexcept { return has_upload_limits_; }

 private:
  static constexpr RuleIndex kNone = std::numeric_limits<RuleIndex>::max();

  // The rules of one key, linked by next_ in the order in which they were added.
  struct Chain {
    RuleIndex first = kNone;
    RuleIndex last = kNone;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct NetworkHash {
    std::size_t operator()(const IpNetwork& network) const noexcept {
      return IpAddressHash{}(network.address) * 131 + network.prefix_size;
    }
  };
  using NameMap = std::unordered_map<std::string, Chain, TextHash, std::equal_to<>>;

  void insert(Rule rule);
  RuleIndex first_of_target(const Rule& rule) const;
  std::optional<RuleIndex> match_in(const NameMap& names, std::string_view key,
                                    const NameNeed& need, std::int64_t now_ms) const;

  std::vector<Rule> rules_;
  bool has_upload_limits_ = false;
  std::vector<RuleIndex> next_;
  NameMap hosts_;
  NameMap subdomains_;
  std::unordered_map<IpNetwork, Chain, NetworkHash> networks_;
  std::array<std::bitset<129>, 2> prefix_sizes_;  // those in networks_: of IPv4, of IPv6
};

// SPEC's built-in hosts, as rules.
extern const std::string_view kBuiltInRules;

// Returns those of them that the operator's list does not leave out.
std::string built_in_rules_beside(std::string_view operators_list);

}  // namespace picortex
