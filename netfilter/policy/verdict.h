#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "netfilter/dns/dns_cache.h"
#include "netfilter/policy/allowlist.h"
#include "netfilter/wire/host_name.h"
#include "netfilter/wire/packet.h"

namespace picortex {

enum class EgressMode : std::uint8_t { off, learn, enforce };

// "off", "learn", "enforce".
std::string_view mode_label(EgressMode mode) noexcept;
std::optional<EgressMode> parse_mode(std::string_view text) noexcept;

// What the firewall rules do with the packet, by the mark that the verdict sets.
enum class Action : std::uint8_t {
  pass,    // this packet passes; the connection stays undecided and its next data comes here too
  judge,   // this packet passes; the connection's data comes here until the server has answered it
  allow,   // the connection passes, and bypasses the queue from now on
  learn,   // the same, while the fence only learns
  close,   // the peer gets a reset instead, as from a port on which no socket listens
  drop,    // only this packet is lost: TCP retransmits it after what is missing before it
  reject,  // denied at once (RST or ICMP)
};

// How the host of a verdict is known.
enum class Evidence : std::uint8_t { ip, dns, sni, http_host };

enum class Reason : std::uint8_t {
  permitted,
  undecided,        // no objection so far
  protocol,         // not TCP
  bad_packet,       // fragment, source route, urgent data, truncated, contradictory
  address_unknown,  // no allowed name was resolved to it and no rule names it
  name_not_allowed,
  port_not_listed,              // the name or address is allowed, on other ports
  dns_address_mismatch,         // an allowed name, at an address that it was not resolved to
  no_name,                      // TLS without SNI, HTTP without Host or with an address in it
  encrypted_hello,              // a TLS hello that may mean another host than it names (ECH)
  early_data,                   // a TLS hello that data follows before the server has answered
  unrecognized_protocol,        // neither TLS nor HTTP/1, or malformed
  upgrade_not_allowed,          // an HTTP upgrade (WebSocket), and no rule with `upgrade`
  overlapping_segments_differ,  // two versions of the same bytes
  too_slow,                     // no name within 3 s
  too_long,                     // no name within 64 KiB
  flow_table_full,              // more undecided connections at once than are kept
  connection_rate_limited,      // more connections than the user may open
  dns_rate_limited,             // more names below a wildcard than may be resolved
  upload_budget_spent,          // the rule's budget of bytes in a window of time is used up
  upload_share_spent,           // the connection would send more than one connection may
  upload_not_recorded,          // what it would send cannot be written to the log of uploads
  untracked_flow,  // its beginning was not seen: opened before the daemon, or removed since
};

// "ip", "dns", "sni", "http_host": the `evidence` of egress.rejected.
std::string_view evidence_label(Evidence evidence) noexcept;
// "name_not_allowed" …
std::string_view reason_label(Reason reason) noexcept;
std::optional<Reason> parse_reason(std::string_view label) noexcept;

struct Verdict {
  Action action = Action::reject;
  // True if enforce mode denies it. In learn mode the action is then `allow` or `pass`
  // nevertheless.
  bool denied = true;
  // True if it settles the connection, or one request of it: this is the one to log and count.
  // Pieces that lead up to it and repetitions that follow are not.
  bool is_final = true;
  Evidence evidence = Evidence::ip;
  Reason reason = Reason::bad_packet;
  HostName host = {};                            // as far as it is known
  std::optional<RuleIndex> rule = std::nullopt;  // the rule that permitted it
};

// The input of a judgement. `now_ms` below is Unix time in milliseconds.
struct EgressPolicy {
  const Allowlist& allowlist;
  const DnsCache& addresses;
  EgressMode mode = EgressMode::enforce;
};

// The judgements of enforce mode, whatever the policy's mode.

// Judges a packet that is not part of a connection yet: a SYN or anything but TCP. Returns `pass`
// if a name that may be meant was resolved to the address: the connection has to show it then.
Verdict judge_opening(const EgressPolicy& policy, PacketStatus status, const Packet& packet,
                      std::int64_t now_ms);

// The name that a connection has shown.
struct ShownName {
  Evidence evidence;
  const HostName& host;
  const HostName& agreed;  // the name that was found to lead to the address when it was opened
  bool upgrades = false;   // HTTP ends after the request
};

// Judges the name shown by a connection to `address` and `port`: `allow` or `reject`.
Verdict judge_name(const EgressPolicy& policy, const ShownName& shown, const IpAddress& address,
                   std::uint16_t port, std::int64_t now_ms);

// A name of which only the first bytes have arrived, as they are on the wire.
struct BegunName {
  std::string_view begun;
  std::size_t size = 0;  // of the whole name; 0: not known
};

// Whether the name may still become one that judge_name() allows: false if no allowed name that
// leads to the address begins like that. An address with more names than DnsCache::kVisitsMax is
// not searched to its end, and true is returned.
bool may_become_allowed(const EgressPolicy& policy, const BegunName& name, const HostName& agreed,
                        const IpAddress& address, std::uint16_t port, std::int64_t now_ms);

// Returns whether an allowed name may be answered with this address (DNS rebinding).
bool may_answer(const Allowlist& allowlist, const HostName& name, const IpAddress& address,
                std::int64_t now_ms);

}  // namespace picortex
