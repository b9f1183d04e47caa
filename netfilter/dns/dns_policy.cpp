#include "netfilter/dns/dns_policy.h"

#include <utility>

#include "base/ascii.h"
#include "base/parse.h"
#include "netfilter/kernel/firewall_rules.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

constexpr std::uint16_t kDnsTypePtr = 12;

// Removes and returns the first label.
std::string_view take_label(std::string_view& name) noexcept {
  const std::string_view label = name.substr(0, name.find('.'));
  name = parent_name(name);
  return label;
}

}  // namespace

std::optional<IpAddress> address_of_reverse_name(std::string_view name) noexcept {
  IpAddress address;
  constexpr std::string_view kV4 = ".in-addr.arpa";
  constexpr std::string_view kV6 = ".ip6.arpa";
  if (name.ends_with(kV4)) {
    name.remove_suffix(kV4.size());
    for (int i = 3; i >= 0; --i) {
      const auto byte = parse_whole<std::uint8_t>(take_label(name));
      if (!byte) return {};
      address.bytes[static_cast<std::size_t>(i)] = *byte;
    }
  } else if (name.ends_with(kV6)) {
    name.remove_suffix(kV6.size());
    address.is_v6 = true;
    for (std::size_t i = 32; i-- > 0;) {
      const std::string_view label = take_label(name);
      const int digit = label.size() == 1 ? hex_value(label.front()) : -1;
      if (digit < 0) return {};
      address.bytes[i / 2] |= static_cast<std::uint8_t>(i % 2 == 0 ? digit << 4 : digit);
    }
  } else {
    return {};
  }
  return name.empty() ? std::optional(address) : std::nullopt;
}

DnsPolicy::DnsPolicy(Reactor& reactor, EgressObserver& observer, EgressMode mode,
                     const FencedUser& user, const std::unique_ptr<Allowlist>& allowlist,
                     DnsCache& addresses)
    : reactor_(reactor),
      observer_(observer),
      mode_(mode),
      user_(user),
      allowlist_(allowlist),
      addresses_(addresses) {
  if (auto sockets = SockDiagQuery::open()) sockets_ = std::move(*sockets);
}

// The kernel knows the sender of a datagram while it is being sent, and the rules mark the packet
// then. For a connection its socket is looked up, which lives for as long as it waits for answers.
bool DnsPolicy::serves(const DnsAsker& asker) noexcept {
  if (asker.protocol == kProtocolUdp) return (asker.mark & kDnsMarkMask) != 0;
  if (!sockets_) return false;
  sockets_->renew();
  const auto owner = sockets_->find({.protocol = asker.protocol,
                                     .source = asker.source,
                                     .source_port = asker.source_port,
                                     .destination = asker.destination,
                                     .destination_port = asker.destination_port});
  return owner && user_.contains(owner->uid);
}

void DnsPolicy::report(const DnsAsker& asker, Action action, Reason reason, const HostName& host,
                       const IpAddress& address) {
  const Verdict verdict{
      .action = action, .evidence = Evidence::dns, .reason = reason, .host = host};
  observer_.on_verdict({.verdict = verdict,
                        .protocol = asker.protocol,
                        .source = asker.source,
                        .source_port = asker.source_port,
                        .destination = address,
                        .destination_port = 53,
                        .host = verdict.host.view(),
                        .dns_only = true,
                        .uid = user_.uid(),
                        .time_ms = reactor_.unix_ms()});
}

bool DnsPolicy::is_allowed(std::string_view name) const {
  return allowlist_->match({.name = name}, reactor_.unix_ms()).has_value();
}

NameRuling DnsPolicy::rule_on(const DnsAsker& asker, const HostName& name,
                              std::uint16_t type) noexcept {
  const NameRuling ruling = decide(asker, name, type);
  if (ruling == NameRuling::resolve) {
    observer_.on_lookup({.protocol = asker.protocol,
                         .source = asker.source,
                         .source_port = asker.source_port,
                         .destination = {},
                         .destination_port = 53},
                        name);
  }
  return ruling;
}

NameRuling DnsPolicy::decide(const DnsAsker& asker, const HostName& name, std::uint16_t type) {
  const bool learns = mode_ == EgressMode::learn;
  const bool asks_address = type == kDnsTypeA || type == kDnsTypeAaaa;
  if (!name.empty()) {
    if (const auto rule = allowlist_->match({.name = name.view()}, reactor_.unix_ms())) {
      return asks_address ? rule_on_allowed(asker, name, *rule) : NameRuling::no_data;
    }
    local_names_.refresh(reactor_.now());
    if (const auto ruling = rule_on_unremarkable(name.view(), type)) {
      return learns && asks_address ? NameRuling::resolve : *ruling;
    }
  }
  report(asker, learns ? Action::allow : Action::reject, Reason::name_not_allowed, name);
  if (!learns) return NameRuling::blocked;
  if (name.empty()) return NameRuling::name_error;
  return asks_address ? NameRuling::resolve : NameRuling::no_data;
}

// The asker chooses the name below a wildcard, and it is sent to the servers of the parent domain.
NameRuling DnsPolicy::rule_on_allowed(const DnsAsker& asker, const HostName& name,
                                      RuleIndex index) {
  const Rule& rule = allowlist_->rules()[index];
  if (rule.kind != RuleKind::subdomains || mode_ == EgressMode::learn) return NameRuling::resolve;
  const std::size_t below = name.view().size() - rule.name.size();
  const std::size_t cost = addresses_.knows_name(name.view()) ? 0 : below;
  if (rates_.charge(rule.name, cost, reactor_.unix_ms())) return NameRuling::resolve;
  // One report for the parent: the names must not count.
  report(asker, Action::reject, Reason::dns_rate_limited,
         HostName::parse(rule.name).value_or(HostName{}));
  return NameRuling::server_failure;
}

std::optional<NameRuling> DnsPolicy::rule_on_unremarkable(std::string_view name,
                                                          std::uint16_t type) {
  if (local_names_.is_this_machine(name)) return NameRuling::name_error;
  const auto is_expected = [this](std::string_view candidate) {
    if (is_allowed(candidate)) return true;
    const std::string_view host = host_of_service(candidate);
    return !host.empty() && (is_allowed(host) || local_names_.is_this_machine(host));
  };
  if (is_expected(name)) return NameRuling::no_data;
  if (local_names_.find_without_search_domain(name, is_expected)) return NameRuling::name_error;
  if (type != kDnsTypePtr) return std::nullopt;
  const auto address = address_of_reverse_name(name);
  if (address && (address_class(*address) == AddressClass::loopback ||
                  addresses_.knows(*address, reactor_.unix_ms()))) {
    return NameRuling::name_error;
  }
  return std::nullopt;
}

bool DnsPolicy::allow_answer(const DnsAsker& asker, const HostName& name, const IpAddress& address,
                             std::uint32_t ttl_s) noexcept {
  const std::int64_t now_ms = reactor_.unix_ms();
  const bool learns = mode_ == EgressMode::learn;
  if (!may_answer(*allowlist_, name, address, now_ms)) {
    // In learn mode, a name without a rule is no rebinding: its connection will be reported.
    if (!learns || is_allowed(name.view())) {
      report(asker, learns ? Action::allow : Action::reject, Reason::dns_address_mismatch, name,
             address);
    }
    if (!learns) return false;
  }
  if (!addresses_.learn(address, name.view(), ttl_s, now_ms)) return false;
  on_answer_(name, address);
  return true;
}

}  // namespace picortex
