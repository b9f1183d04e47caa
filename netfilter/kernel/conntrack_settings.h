#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "netfilter/kernel/conntrack_message.h"

namespace picortex {

// Switches connection tracking's accounting, time stamps and events on in this network namespace, as
// far as this process may write to /proc/sys. The fence's rules switch accounting on by themselves.
void switch_on_accounting();

// Connection tracking's settings of this network namespace (net.netfilter.nf_conntrack_*). One that
// is default-constructed has no timeouts.
class ConntrackSettings {
 public:
  static ConntrackSettings read();

  // Connections that begin from now on are counted.
  bool counts_bytes() const noexcept { return counts_bytes_; }
  bool reports_ends() const noexcept { return reports_ends_; }

  // Returns how long the connection lasted, from its first packet to its last one: its entry stays
  // for the timeout of its state after that. Nothing if it has no time stamps.
  std::optional<std::int64_t> duration_ms(const ConntrackEntry& entry) const noexcept;

 private:
  static constexpr std::size_t kTcpStates = 10;

  std::array<std::uint32_t, kTcpStates> tcp_timeouts_s_{};  // by TCP_CONNTRACK_…
  std::uint32_t udp_timeout_s_ = 0;
  bool counts_bytes_ = false;
  bool reports_ends_ = false;
};

}  // namespace picortex
