#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "netfilter/kernel/sock_diag_query.h"
#include "netfilter/wire/packet.h"

namespace picortex {

// A socket of this process on loopback, connected to another one.
struct LoopbackPair {
  LoopbackPair(int family, int type) {
    sockaddr_storage address{};
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
    }
    address.ss_family = static_cast<sa_family_t>(family);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    BOOST_REQUIRE(bind(server = socket(family, type | SOCK_CLOEXEC, 0), raw, size) == 0);
    if (type == SOCK_STREAM) BOOST_REQUIRE(listen(server, 8) == 0);
    BOOST_REQUIRE(getsockname(server, raw, &size) == 0);
    client = socket(family, type | SOCK_CLOEXEC, 0);
    BOOST_REQUIRE(connect(client, raw, size) == 0);
    ends.protocol = type == SOCK_STREAM ? kProtocolTcp : kProtocolUdp;
    ends.destination = address_in(address, ends.destination_port);
    BOOST_REQUIRE(getsockname(client, raw, &size) == 0);
    ends.source = address_in(address, ends.source_port);
  }
  LoopbackPair(const LoopbackPair&) = delete;
  LoopbackPair& operator=(const LoopbackPair&) = delete;
  ~LoopbackPair() {
    close(client);
    close(server);
  }

  static IpAddress address_in(const sockaddr_storage& address, std::uint16_t& port) {
    if (address.ss_family == AF_INET) {
      const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
      port = ntohs(v4.sin_port);
      return IpAddress::of_bytes({reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), 4});
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    port = ntohs(v6.sin6_port);
    return IpAddress::of_bytes({reinterpret_cast<const std::uint8_t*>(&v6.sin6_addr), 16});
  }

  int server = -1;
  int client = -1;
  SocketEnds ends;  // of the client
};

}  // namespace picortex
