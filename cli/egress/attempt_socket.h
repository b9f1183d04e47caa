#pragma once

#include <string>
#include <vector>

#include "base/net/ip_address.h"
#include "base/net/socket_address.h"

namespace picortex {

// Sockets of the attempts that `egress selftest` makes.

// Returns the form of an IPv4 address that an IPv6 socket uses (RFC 4291, section 2.5.5.2).
IpAddress v4_mapped(const IpAddress& address);

// Opens a socket for that address which sends and receives for 3 s at most. Returns a negative
// number on failure.
int open_socket(const SocketAddress& address, int type, int protocol);

// Returns the name's addresses according to this user's resolver.
std::vector<IpAddress> addresses_of(const std::string& name);

}  // namespace picortex
