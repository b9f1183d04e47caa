#include "netfilter/policy/allowlist.h"

#include "base/parse.h"
#include "base/text.h"
#include "base/time/timestamp.h"

namespace picortex {

const std::string_view kBuiltInRules =
    "api.anthropic.com\n"
    "registry.npmjs.org\n"
    "pypi.org\n"
    "github.com\n"
    "raw.githubusercontent.com\n";

namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

// Removes and returns the first word of `text`; empty if there is none left.
std::string_view take_word(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

// Digits without a leading zero.
std::optional<unsigned> read_number(std::string_view text, unsigned least, unsigned most) noexcept {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return parse_whole<unsigned>(text, least, most);
}

// The readers below return why the text is no rule, or null.

const char* read_port(std::string_view text, Rule& rule) noexcept {
  const auto port = read_number(text, 1, 65535);
  if (!port) return "the port is not a number from 1 to 65535";
  rule.port = static_cast<std::uint16_t>(*port);
  return nullptr;
}

const char* read_network(std::string_view text, bool v6, Rule& rule) noexcept {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address || address->is_v6 != v6) return "not an address";
  const unsigned size = v6 ? 128 : 32;
  const auto bits =
      slash == text.npos ? std::optional(size) : read_number(text.substr(slash + 1), 0, size);
  if (!bits) {
    return v6 ? "the prefix size is not a number from 0 to 128"
              : "the prefix size is not a number from 0 to 32";
  }
  if (*bits >= 96 && v6 && address_class(*address) == AddressClass::v4_mapped) {
    return "an IPv4 address in IPv6 form: write it as IPv4";
  }
  rule.kind = RuleKind::network;
  rule.network = network_of(*address, static_cast<std::uint8_t>(*bits));
  if (rule.network.address != *address) return "the address has bits after its prefix";
  return nullptr;
}

const char* read_name(std::string_view text, Rule& rule) {
  if (text.starts_with("*.")) {
    rule.kind = RuleKind::subdomains;
    text.remove_prefix(2);
  }
  if (text.find('*') != text.npos) return "a star stands only for the first labels: *.host";
  const auto name = HostName::parse(text);
  if (!name) return "not a host name (letters, digits, hyphens; A-labels for other scripts)";
  rule.name = name->view();
  return nullptr;
}

const char* read_pattern(std::string_view text, Rule& rule) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos) return "the bracket is not closed";
    const std::string_view behind = text.substr(close + 1);
    if (!behind.empty() && behind[0] != ':') return "only :port may follow the bracket";
    if (!behind.empty()) {
      if (const char* reason = read_port(behind.substr(1), rule)) return reason;
    }
    return read_network(text.substr(1, close - 1), true, rule);
  }
  const std::size_t colon = text.find(':');
  if (colon != text.rfind(':')) return "an IPv6 address needs brackets: [2001:db8::1]:443";
  if (colon != text.npos) {
    if (const char* reason = read_port(text.substr(colon + 1), rule)) return reason;
    text = text.substr(0, colon);
  }
  const bool is_network = text.find('/') != text.npos || parse_ip_address(text).has_value();
  return is_network ? read_network(text, false, rule) : read_name(text, rule);
}

const char* read_option(std::string_view word, Rule& rule) noexcept {
  constexpr std::string_view kExpires = "expires=";
  if (word.starts_with(kExpires)) {
    const auto time_ms = parse_iso_time(word.substr(kExpires.size()));
    if (!time_ms) return "the time of expires= is not RFC 3339, such as 2026-11-23T21:00:00Z";
    rule.expires_ms = *time_ms;
    return nullptr;
  }
  constexpr std::string_view kUpload = "upload=";
  if (word.starts_with(kUpload)) return add_upload(word.substr(kUpload.size()), rule.upload);
  if (rule.kind == RuleKind::network) return "private, dns-only and upgrade are for names";
  if (word == "private") {
    rule.permits_private = true;
  } else if (word == "dns-only") {
    rule.dns_suffices = true;
  } else if (word == "upgrade") {
    rule.permits_upgrade = true;
  } else {
    return "unknown word; known are private, dns-only, upgrade, upload= and expires=";
  }
  return nullptr;
}

bool is_built_in(std::string_view host) noexcept {
  for (std::string_view rest = kBuiltInRules; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (rest.substr(0, end) == host) return true;
    rest.remove_prefix(end + 1);
  }
  return false;
}

// Returns the built-in host that the line leaves out; empty if it leaves out none.
std::string_view left_out_by(std::string_view line) noexcept {
  if (!line.starts_with('!') || !is_built_in(line.substr(1))) return {};
  return line.substr(1);
}

const char* read_rule(std::string_view line, Rule& rule) {
  std::string_view rest = line;
  if (const char* reason = read_pattern(take_word(rest), rule)) return reason;
  for (auto word = take_word(rest); !word.empty(); word = take_word(rest)) {
    if (const char* reason = read_option(word, rule)) return reason;
  }
  rule.text = line;
  return nullptr;
}

// Returns how many bits a network must name to include addresses of this one's class. A rule for
// the internet (0.0.0.0/0) opens neither loopback nor the addresses at which a cloud hands out
// credentials.
int least_prefix_size(const IpAddress& address) noexcept {
  switch (address_class(address)) {
    case AddressClass::loopback:
      return address.is_v6 ? 128 : 8;
    case AddressClass::link_local:
      return address.is_v6 ? 10 : 16;
    case AddressClass::metadata:
      return address.is_v6 ? 128 : 32;
    default:
      return 0;
  }
}

std::string_view without_comment(std::string_view line) noexcept {
  return trimmed(line.substr(0, line.find('#')), kBlanks);
}

}  // namespace

std::string built_in_rules_beside(std::string_view operators_list) {
  std::string rules(kBuiltInRules);
  while (!operators_list.empty() && operators_list.size() <= Allowlist::kTextSizeMax) {
    const std::size_t end = operators_list.find('\n');
    const std::string_view host = left_out_by(without_comment(operators_list.substr(0, end)));
    operators_list.remove_prefix(end == operators_list.npos ? operators_list.size() : end + 1);
    if (host.empty()) continue;
    const std::string line = std::string(host) + '\n';
    std::size_t at = rules.find(line);
    while (at != rules.npos && at != 0 && rules[at - 1] != '\n') at = rules.find(line, at + 1);
    if (at != rules.npos) rules.erase(at, line.size());
  }
  return rules;
}

std::vector<RuleProblem> Allowlist::add(std::string_view text, RuleSource source) {
  std::vector<RuleProblem> problems;
  const auto report = [&problems](std::uint32_t line, const char* reason) {
    if (problems.size() < kProblemsMax) problems.push_back({line, reason});
  };
  if (text.size() > kTextSizeMax) {
    report(0, "longer than 1 MiB: nothing of it was taken");
    return problems;
  }
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = without_comment(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty() || (source == RuleSource::list && !left_out_by(line).empty())) continue;
    if (line.starts_with('!')) {
      report(number, "an exclamation mark leaves out a built-in host, in the operator's list");
      continue;
    }
    if (rules_.size() == kRulesMax) {
      report(number, "more than 100000 rules: this and what follows was not taken");
      break;
    }
    Rule rule;
    rule.source = source;
    rule.line = number;
    if (const char* reason = read_rule(line, rule)) {
      report(number, reason);
    } else {
      insert(std::move(rule));
    }
  }
  return problems;
}

void Allowlist::insert(Rule rule) {
  const auto index = static_cast<RuleIndex>(rules_.size());
  Chain* chain = nullptr;
  if (rule.kind == RuleKind::network) {
    chain = &networks_[rule.network];
    prefix_sizes_[rule.network.address.is_v6].set(rule.network.prefix_size);
  } else {
    chain = &(rule.kind == RuleKind::host ? hosts_ : subdomains_)[rule.name];
  }
  if (chain->first == kNone) {
    chain->first = index;
  } else {
    next_[chain->last] = index;
  }
  chain->last = index;
  has_upload_limits_ = has_upload_limits_ || rule.upload.is_limit();
  rules_.push_back(std::move(rule));
  next_.push_back(kNone);
}

RuleIndex Allowlist::first_of_target(const Rule& rule) const {
  if (rule.kind == RuleKind::network) return networks_.at(rule.network).first;
  return (rule.kind == RuleKind::host ? hosts_ : subdomains_).find(rule.name)->second.first;
}

UploadBudget Allowlist::upload_of(RuleIndex rule, std::int64_t now_ms) const {
  UploadBudget last;
  const std::uint16_t port = rules_[rule].port;
  for (RuleIndex i = first_of_target(rules_[rule]); i != kNone; i = next_[i]) {
    const Rule& other = rules_[i];
    if (other.port == port && other.upload.is_given() && now_ms < other.expires_ms) {
      last = other.upload;
    }
  }
  return last;
}

std::optional<RuleIndex> Allowlist::match_in(const NameMap& names, std::string_view key,
                                             const NameNeed& need, std::int64_t now_ms) const {
  const auto found = names.find(key);
  if (found == names.end()) return std::nullopt;
  for (RuleIndex i = found->second.first; i != kNone; i = next_[i]) {
    const Rule& rule = rules_[i];
    if (now_ms < rule.expires_ms && (need.port == 0 || need.port == rule.port) &&
        (!need.is_private || rule.permits_private) && (!need.dns_only || rule.dns_suffices) &&
        (!need.upgrade || rule.permits_upgrade)) {
      return i;
    }
  }
  return std::nullopt;
}

std::optional<RuleIndex> Allowlist::match(const NameNeed& need, std::int64_t now_ms) const {
  if (const auto rule = match_in(hosts_, need.name, need, now_ms)) return rule;
  for (auto suffix = parent_name(need.name); !suffix.empty(); suffix = parent_name(suffix)) {
    if (const auto rule = match_in(subdomains_, suffix, need, now_ms)) return rule;
  }
  return std::nullopt;
}

std::optional<RuleIndex> Allowlist::match(const IpAddress& address, std::uint16_t port,
                                          std::int64_t now_ms) const {
  const auto& sizes = prefix_sizes_[address.is_v6];
  if (sizes.none()) return std::nullopt;
  const int least = least_prefix_size(address);
  for (int size = address.is_v6 ? 128 : 32; size >= least; --size) {
    if (!sizes.test(static_cast<std::size_t>(size))) continue;
    const auto found = networks_.find(network_of(address, static_cast<std::uint8_t>(size)));
    if (found == networks_.end()) continue;
    for (RuleIndex i = found->second.first; i != kNone; i = next_[i]) {
      if (now_ms < rules_[i].expires_ms && (port == 0 || port == rules_[i].port)) return i;
    }
  }
  return std::nullopt;
}

}  // namespace picortex
