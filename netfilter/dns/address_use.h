#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/callback.h"
#include "netfilter/dns/dns_cache.h"
#include "netfilter/kernel/sock_diag_query.h"

namespace picortex {

// Renews the addresses to which the fenced user still has connections: a client with an open
// connection opens the next one without resolving the name again. The kernel's connections bypass
// the daemon, so each allowed one is looked up in sock_diag(7) every few minutes, a few a second.
//
// Bounded: beyond kConnectionsMax the oldest entry is overwritten.
class AddressUse {
 public:
  static constexpr std::size_t kConnectionsMax = 4096;
  static constexpr std::size_t kLooksPerTick = 32;  // all of them in 128 s; about 5 µs each

  // Returns whether the connection still exists.
  using IsOpen = BoundMember<bool(const SocketEnds& connection)>;

  // `table` must outlive this.
  AddressUse(DnsCache& table, IsOpen is_open) : table_(table), is_open_(is_open) {}

  // Adds a TCP connection that was allowed.
  void note(const SocketEnds& connection);
  // Call it about once a second.
  void tick(std::int64_t now_ms);

  std::size_t size() const noexcept { return connections_.size(); }

 private:
  DnsCache& table_;
  IsOpen is_open_;
  std::vector<SocketEnds> connections_;
  std::size_t next_ = 0;    // next to be looked up
  std::size_t oldest_ = 0;  // next to be overwritten when full
};

}  // namespace picortex
