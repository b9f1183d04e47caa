#include "netfilter/policy/verdict.h"

#include <algorithm>

#include "base/ascii.h"

namespace picortex {
namespace {

// What allows a name to lead to an address of a class.
enum class Access : std::uint8_t {
  by_name,          // any rule for the name
  by_private_name,  // a rule with `private`
  by_address,       // a rule that names the address
  none,
};

Access access_to(const IpAddress& address) noexcept {
  switch (address_class(address)) {
    case AddressClass::global:
      return Access::by_name;
    case AddressClass::private_use:
    case AddressClass::shared:
    case AddressClass::reserved:
      return Access::by_private_name;
    case AddressClass::loopback:
    case AddressClass::link_local:
    case AddressClass::metadata:
      return Access::by_address;
    case AddressClass::unspecified:
    case AddressClass::multicast:
    case AddressClass::v4_mapped:
      break;
  }
  return Access::none;
}

// Returns the rule by which `name` may lead to `address`; port 0: any.
std::optional<RuleIndex> name_rule(const Allowlist& allowlist, std::string_view name,
                                   const IpAddress& address, std::uint16_t port, bool dns_only,
                                   std::int64_t now_ms) {
  const Access access = access_to(address);
  if (access != Access::by_name && access != Access::by_private_name) return std::nullopt;
  return allowlist.match({.name = name,
                          .port = port,
                          .is_private = access == Access::by_private_name,
                          .dns_only = dns_only},
                         now_ms);
}

Verdict deny(Reason reason, Evidence evidence, const HostName& host = {}) {
  return {.evidence = evidence, .reason = reason, .host = host};
}

Verdict permit(Action action, Evidence evidence, const HostName& host, RuleIndex rule) {
  return {.action = action,
          .denied = false,
          .is_final = action == Action::allow,
          .evidence = evidence,
          .reason = action == Action::allow ? Reason::permitted : Reason::undecided,
          .host = host,
          .rule = rule};
}

HostName host_of(std::string_view name) noexcept {
  return HostName::parse(name).value_or(HostName{});
}

Verdict judge_by_dns(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms) {
  const IpAddress& address = packet.destination;
  const std::uint16_t port = packet.destination_port;
  Verdict verdict = deny(Reason::address_unknown, Evidence::ip);
  policy.addresses.find_name(address, now_ms, [&](std::string_view name) {
    // A dns-only rule is sufficient by itself, so it ends the search; any other needs the name on
    // the wire.
    if (const auto rule = name_rule(policy.allowlist, name, address, port, true, now_ms)) {
      verdict = permit(Action::allow, Evidence::dns, host_of(name), *rule);
      return true;
    }
    if (!verdict.denied) return false;
    if (const auto rule = name_rule(policy.allowlist, name, address, port, false, now_ms)) {
      verdict = permit(Action::pass, Evidence::dns, host_of(name), *rule);
    } else if (verdict.reason != Reason::port_not_listed &&
               name_rule(policy.allowlist, name, address, 0, false, now_ms)) {
      verdict = deny(Reason::port_not_listed, Evidence::dns, host_of(name));
    } else if (verdict.reason == Reason::address_unknown) {
      verdict = deny(Reason::name_not_allowed, Evidence::dns, host_of(name));
    }
    return false;
  });
  return verdict;
}

// Whether `candidate`, which is normalised, begins on the wire as the name does.
bool begins_like(std::string_view candidate, const BegunName& name) noexcept {
  const bool has_size =
      name.size == 0 || name.size == candidate.size() || name.size == candidate.size() + 1;
  if (!has_size || name.begun.size() > candidate.size() + 1) return false;
  const std::string_view begun = name.begun.substr(0, candidate.size());
  if (begun.size() < name.begun.size() && name.begun.back() != '.') return false;
  return std::ranges::equal(begun, candidate.substr(0, begun.size()),
                            [](char a, char b) { return lower(a) == b; });
}

}  // namespace

std::string_view mode_label(EgressMode mode) noexcept {
  switch (mode) {
    case EgressMode::off:
      return "off";
    case EgressMode::learn:
      return "learn";
    case EgressMode::enforce:
      break;
  }
  return "enforce";
}

std::optional<EgressMode> parse_mode(std::string_view text) noexcept {
  for (const EgressMode mode : {EgressMode::off, EgressMode::learn, EgressMode::enforce}) {
    if (text == mode_label(mode)) return mode;
  }
  return std::nullopt;
}

std::string_view evidence_label(Evidence evidence) noexcept {
  switch (evidence) {
    case Evidence::ip:
      return "ip";
    case Evidence::dns:
      return "dns";
    case Evidence::sni:
      return "sni";
    case Evidence::http_host:
      break;
  }
  return "http_host";
}

std::string_view reason_label(Reason reason) noexcept {
  switch (reason) {
    case Reason::permitted:
      return "permitted";
    case Reason::undecided:
      return "undecided";
    case Reason::protocol:
      return "protocol";
    case Reason::bad_packet:
      return "bad_packet";
    case Reason::address_unknown:
      return "address_unknown";
    case Reason::name_not_allowed:
      return "name_not_allowed";
    case Reason::port_not_listed:
      return "port_not_listed";
    case Reason::dns_address_mismatch:
      return "dns_address_mismatch";
    case Reason::no_name:
      return "no_name";
    case Reason::encrypted_hello:
      return "encrypted_hello";
    case Reason::early_data:
      return "early_data";
    case Reason::unrecognized_protocol:
      return "unrecognized_protocol";
    case Reason::upgrade_not_allowed:
      return "upgrade_not_allowed";
    case Reason::overlapping_segments_differ:
      return "overlapping_segments_differ";
    case Reason::too_slow:
      return "too_slow";
    case Reason::too_long:
      return "too_long";
    case Reason::flow_table_full:
      return "flow_table_full";
    case Reason::connection_rate_limited:
      return "connection_rate_limited";
    case Reason::dns_rate_limited:
      return "dns_rate_limited";
    case Reason::upload_budget_spent:
      return "upload_budget_spent";
    case Reason::upload_share_spent:
      return "upload_share_spent";
    case Reason::upload_not_recorded:
      return "upload_not_recorded";
    case Reason::untracked_flow:
      break;
  }
  return "untracked_flow";
}

std::optional<Reason> parse_reason(std::string_view label) noexcept {
  for (int i = 0; i <= static_cast<int>(Reason::untracked_flow); ++i) {
    const auto reason = static_cast<Reason>(i);
    if (label == reason_label(reason)) return reason;
  }
  return std::nullopt;
}

Verdict judge_opening(const EgressPolicy& policy, PacketStatus status, const Packet& packet,
                      std::int64_t now_ms) {
  const IpAddress& address = packet.destination;
  if (status != PacketStatus::whole) return deny(Reason::bad_packet, Evidence::ip);
  if (packet.protocol != kProtocolTcp) return deny(Reason::protocol, Evidence::ip);
  // No rule can permit these addresses: unspecified, multicast, and IPv4 inside IPv6.
  if (access_to(address) == Access::none) return deny(Reason::address_unknown, Evidence::ip);
  if (const auto rule = policy.allowlist.match(address, packet.destination_port, now_ms)) {
    return permit(Action::allow, Evidence::ip, {}, *rule);
  }
  // Loopback, link-local and metadata addresses are never reached by a name.
  const Verdict verdict = access_to(address) == Access::by_address
                              ? deny(Reason::address_unknown, Evidence::ip)
                              : judge_by_dns(policy, packet, now_ms);
  if (verdict.reason == Reason::address_unknown && policy.allowlist.match(address, 0, now_ms)) {
    return deny(Reason::port_not_listed, Evidence::ip);
  }
  return verdict;
}

Verdict judge_name(const EgressPolicy& policy, const ShownName& shown, const IpAddress& address,
                   std::uint16_t port, std::int64_t now_ms) {
  const HostName& host = shown.host;
  const auto rule = policy.allowlist.match({.name = host.view(), .port = port}, now_ms);
  if (!rule) {
    // Says which of the two mistakes it was, since the fix differs.
    const bool on_other_ports = policy.allowlist.match({.name = host.view()}, now_ms).has_value();
    return deny(on_other_ports ? Reason::port_not_listed : Reason::name_not_allowed, shown.evidence,
                host);
  }
  const auto leads_there = name_rule(policy.allowlist, host.view(), address, port, false, now_ms);
  // The answer that a client uses may be older than what the proxy remembers.
  const bool agrees = host == shown.agreed || policy.addresses.agrees(address, host.view(), now_ms);
  if (!leads_there || !agrees) return deny(Reason::dns_address_mismatch, shown.evidence, host);
  if (!shown.upgrades) return permit(Action::allow, shown.evidence, host, *leads_there);
  const auto upgrade =
      policy.allowlist.match({.name = host.view(), .port = port, .upgrade = true}, now_ms);
  if (!upgrade) return deny(Reason::upgrade_not_allowed, shown.evidence, host);
  return permit(Action::allow, shown.evidence, host, *upgrade);
}

bool may_become_allowed(const EgressPolicy& policy, const BegunName& name, const HostName& agreed,
                        const IpAddress& address, std::uint16_t port, std::int64_t now_ms) {
  const auto fits = [&](std::string_view candidate) {
    return begins_like(candidate, name) &&
           name_rule(policy.allowlist, candidate, address, port, false, now_ms).has_value();
  };
  if (!agreed.empty() && fits(agreed.view())) return true;
  bool found = false;
  std::size_t visits = 0;
  policy.addresses.find_name(address, now_ms, [&](std::string_view candidate) {
    ++visits;
    return found = fits(candidate);
  });
  return found || visits == DnsCache::kVisitsMax;
}

bool may_answer(const Allowlist& allowlist, const HostName& name, const IpAddress& address,
                std::int64_t now_ms) {
  if (access_to(address) == Access::none) return false;
  return name_rule(allowlist, name.view(), address, 0, false, now_ms).has_value() ||
         allowlist.match(address, 0, now_ms).has_value();
}

}  // namespace picortex
