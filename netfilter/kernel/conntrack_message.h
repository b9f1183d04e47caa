#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/callback.h"
#include "netfilter/kernel/sock_diag_query.h"

namespace picortex {

// What one direction of a connection has carried: IP packets as the host saw them, their headers
// included. A packet that the kernel still has to segment counts as one.
struct ByteCount {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

  bool operator==(const ByteCount&) const = default;
};

// One connection as the kernel's connection tracking describes it.
struct ConntrackEntry {
  SocketEnds ends;         // of the original direction: as the packet that opened it named them
  std::uint32_t mark = 0;  // of the connection
  // Nothing where the connection is older than accounting.
  std::optional<ByteCount> up;    // original direction
  std::optional<ByteCount> down;  // reply direction
  std::uint64_t start_ns = 0;     // Unix time; 0: not known, since time stamps are off
  std::uint64_t end_ns = 0;       // of its entry, which outlives the connection
  std::uint32_t timeout_s = 0;    // left of the entry's time when it was removed
  std::uint8_t tcp_state = 0;     // TCP_CONNTRACK_…; 0: not known
};

enum class ConntrackMessage : std::uint8_t { present, destroyed };

// Reads a message of ctnetlink (nfnetlink's subsystem NFNL_SUBSYS_CTNETLINK):
//
//   message    = nlmsghdr nfgenmsg *attribute
//   attribute  = length:16 type:16 payload padding      CTA_…; nested ones contain attributes
//
// Returns nothing for other messages and other kinds of it, for one without a complete original
// tuple of IP addresses, and for whatever contradicts its own lengths. The size of `message` must be
// its nlmsg_len.
std::optional<ConntrackEntry> parse_conntrack(std::span<const char> message,
                                              ConntrackMessage kind) noexcept;

// Calls `take` for each whole message of a datagram.
void for_each_message(std::span<const char> datagram,
                      Callback<std::span<const char>> take) noexcept;

}  // namespace picortex
