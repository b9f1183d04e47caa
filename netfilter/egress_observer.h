#pragma once

#include <cstdint>
#include <string_view>

#include "netfilter/address.h"
#include "netfilter/allowlist.h"
#include "netfilter/verdict.h"

namespace picortex {

// One decision of the fence that settles something (Verdict::is_final): a connection, one request
// of an HTTP connection, a name asked of the DNS proxy, or a packet that is no TCP. Views and
// references are good during the call only.
struct EgressEvent {
  const Verdict& verdict;
  std::uint8_t protocol = 0;  // kProtocolTcp …; how the name was asked for when dns_only
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress destination;  // of a DNS answer that was refused: the address it gave; else unspecified
  std::uint16_t destination_port = 0;
  std::string_view host;     // of SNI, DNS or HTTP, normalised; may be empty
  bool dns_only = false;     // a name was asked for; there is no connection yet
  std::uint32_t uid = 0;     // that the packet came from; of dns_only the fenced user's
  std::int64_t time_ms = 0;  // Unix time
};

// Whom the fence tells of its decisions: implemented in the layers above, called on the loop; must
// not block.
class EgressObserver {
 public:
  virtual void on_verdict(const EgressEvent& event) noexcept = 0;
  // The rules that Verdict::rule counts from now on: at the start, and whenever they were read
  // anew.
  virtual void on_rules(const Allowlist& allowlist) noexcept = 0;

 protected:
  ~EgressObserver() = default;
};

}  // namespace picortex
