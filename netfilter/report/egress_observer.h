#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/net/ip_address.h"
#include "netfilter/budget/upload_meter.h"
#include "netfilter/kernel/sock_diag_query.h"
#include "netfilter/policy/allowlist.h"
#include "netfilter/policy/verdict.h"

namespace picortex {

// One decision of the fence that settles something (Verdict::is_final): a connection, one request
// of an HTTP connection, a name asked of the DNS proxy, or a packet that is not TCP. Views and
// references are valid during the call only.
struct EgressEvent {
  static constexpr std::size_t kCandidatesMax = 9;

  const Verdict& verdict;
  std::uint8_t protocol = 0;  // kProtocolTcp …; how the name was asked for when dns_only
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress destination;  // for a denied DNS answer: its address; else unspecified
  std::uint16_t destination_port = 0;
  std::string_view host;  // of SNI, DNS or HTTP, normalised; may be empty
  // When the host is known by DNS alone: every name that leads to the address, as far as
  // kCandidatesMax reach. More than one, and the client may have meant any of them.
  std::span<const std::string_view> candidates = {};
  bool dns_only = false;                 // a name was asked for; there is no connection yet
  std::uint32_t uid = 0;                 // the packet's sender; for dns_only the fenced user
  std::int64_t time_ms = 0;              // Unix time
  const UploadBreach* breach = nullptr;  // of an upload budget, for which it was denied
};

// The end of a connection that the fence may have allowed. Views are valid during the call only.
struct EgressEnd {
  const SocketEnds& ends;
  std::string_view host;  // the only name that leads to the address; empty: none or several
  bool is_counted = false;
  std::int64_t bytes_up = 0;  // with the headers of IP and TCP
  std::int64_t bytes_down = 0;
  std::optional<std::int64_t> duration_ms;
  // Whether the connection was allowed, rather than denied or between sockets of the user, only the
  // observer knows: it counts only if on_verdict() allowed it.
  bool is_doubtful = false;
};

// Receives the fence's decisions. Implemented in a higher layer, called on the loop; must not
// block.
class EgressObserver {
 public:
  virtual void on_verdict(const EgressEvent& event) noexcept = 0;
  // The rules to which Verdict::rule refers from now on: called at the start, and whenever they
  // were read again.
  virtual void on_rules(const Allowlist& allowlist) noexcept = 0;
  // A connection from before this process is open: as on_verdict(), but not to be reported again.
  virtual void on_resumed(const EgressEvent&) noexcept {}
  // The kernel has removed the connection's entry.
  virtual void on_end(const EgressEnd&) noexcept {}
  // The fenced user asks for a name that is allowed, from a socket with these ends.
  virtual void on_lookup(const SocketEnds&, const HostName&) noexcept {}
  // Whether it still looks for the process of something that was denied. The denial ends the
  // client's socket, by which the process is found, so it may wait for a moment.
  virtual bool is_searching() const noexcept { return false; }

 protected:
  ~EgressObserver() = default;
};

}  // namespace picortex
