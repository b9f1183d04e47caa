#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "netfilter/address_table.h"
#include "netfilter/allowlist.h"
#include "netfilter/host_name.h"
#include "netfilter/packet.h"

namespace picortex {

enum class EgressMode : std::uint8_t { off, learn, enforce };

// "off", "learn", "enforce".
std::string_view mode_label(EgressMode mode) noexcept;
std::optional<EgressMode> parse_mode(std::string_view text) noexcept;

// What the firewall rules do with the packet, by the mark that the verdict gives it.
enum class Action : std::uint8_t {
  pass,    // this packet goes; the connection stays undecided and its next data comes here too
  allow,   // the connection goes, past the queue from now on
  learn,   // the same, for as long as the fence only learns
  reject,  // refused at once (RST or ICMP)
};

// By what the host of a verdict is known.
enum class Evidence : std::uint8_t { ip, dns, sni, http_host };

enum class Reason : std::uint8_t {
  permitted,
  undecided,        // nothing against it so far
  protocol,         // not TCP
  bad_packet,       // fragment, source route, cut short, contradictory
  address_unknown,  // no allowed name was resolved to it and no rule names it
  name_not_allowed,
  port_not_listed,    // the name or address is allowed, on other ports
  address_disagrees,  // an allowed name, at an address that it was not resolved to
  no_name,            // TLS without SNI, HTTP without Host
  hidden_name,        // a TLS hello that may mean another host than it names
  not_understood,     // neither TLS nor HTTP/1, or malformed
  contradiction,      // two versions of the same bytes
  too_slow,           // no name within 3 s
  too_long,           // no name within 64 KiB
  crowded_out,        // more undecided at once than are kept
  not_followed,       // its beginning was not seen: opened before the daemon, or forgotten since
};

// "ip", "dns", "sni", "http_host": the `evidence` of egress.rejected.
std::string_view evidence_label(Evidence evidence) noexcept;
// "name_not_allowed" …
std::string_view reason_label(Reason reason) noexcept;

struct Verdict {
  Action action = Action::reject;
  // What enforce mode refuses. In learn mode the action is then `allow` or `pass` nevertheless.
  bool refused = true;
  // Settles the connection, or one request of it: this is the one to log and count. Pieces that
  // lead up to it and repetitions that follow are not.
  bool is_final = true;
  Evidence evidence = Evidence::ip;
  Reason reason = Reason::bad_packet;
  HostName host = {};                            // as far as it is known
  std::optional<RuleIndex> rule = std::nullopt;  // that permitted it
};

// What is judged by. `now_ms` below is Unix time in milliseconds.
struct EgressPolicy {
  const Allowlist& allowlist;
  const AddressTable& addresses;
  EgressMode mode = EgressMode::enforce;
};

// The judgements, as enforce mode has them, whatever the policy's mode.

// A packet that is no part of a connection yet: a SYN or anything but TCP. `pass` when a name that
// may be meant was resolved to the address: the connection has to show it then.
Verdict judge_opening(const EgressPolicy& policy, PacketStatus status, const Packet& packet,
                      std::int64_t now_ms);

// The name that a connection to `address` and `port` has shown: `allow` or `reject`.
Verdict judge_name(const EgressPolicy& policy, Evidence evidence, const HostName& host,
                   const IpAddress& address, std::uint16_t port, std::int64_t now_ms);

// Whether an allowed name may be answered with this address (DNS rebinding).
bool may_answer(const Allowlist& allowlist, const HostName& name, const IpAddress& address,
                std::int64_t now_ms);

}  // namespace picortex
