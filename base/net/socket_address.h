#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>

#include "base/net/ip_address.h"

namespace picortex {

// An address and port in the form of the socket calls.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size = sizeof(sockaddr_in6);

  SocketAddress() noexcept { v6 = {}; }
  SocketAddress(const IpAddress& address, std::uint16_t port) noexcept {
    v6 = {};
    if (address.is_v6) {
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
    } else {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      std::memcpy(&v4.sin_addr, address.bytes.data(), 4);
      size = sizeof v4;
    }
  }

  IpAddress address() const noexcept {
    const auto* bytes = any.sa_family == AF_INET6
                            ? reinterpret_cast<const std::uint8_t*>(&v6.sin6_addr)
                            : reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
    return IpAddress::of_bytes({bytes, any.sa_family == AF_INET6 ? 16u : 4u});
  }
  std::uint16_t port() const noexcept {
    return ntohs(any.sa_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
  }
};

}  // namespace picortex
