#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/net/ip_address.h"
#include "base/result.h"
#include "netfilter/kernel/fenced_user.h"

namespace picortex {

// A connected socket of this host. The addresses are those of its packets: an IPv6 socket that is
// connected to a v4-mapped address has IPv4 addresses here.
struct OpenSocket {
  std::uint8_t protocol = 0;  // TCP or UDP
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  bool is_v6_socket = false;
  std::uint32_t interface = 0;
  std::array<std::uint32_t, 2> cookie{};
};

// Returns the user's connected sockets, from the kernel's sock_diag(7): a dump of the socket
// tables, which takes milliseconds if there are many thousands.
Result<std::vector<OpenSocket>> list_open_sockets(const FencedUser& user, std::uint8_t protocol);

// Ends the socket like `ss --kill`: its owner gets ECONNABORTED, a TCP peer a reset. Returns false
// if it has already ended. Needs CAP_NET_ADMIN and the kernel's CONFIG_INET_DIAG_DESTROY.
Result<bool> destroy_socket(const OpenSocket& socket);

}  // namespace picortex
