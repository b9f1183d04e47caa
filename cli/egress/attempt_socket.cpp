#include "cli/egress/attempt_socket.h"

#include <netdb.h>
#include <sys/time.h>

#include <cstring>

namespace picortex {

IpAddress v4_mapped(const IpAddress& address) {
  IpAddress mapped{.bytes = {}, .is_v6 = true};
  mapped.bytes[10] = mapped.bytes[11] = 0xff;
  std::memcpy(&mapped.bytes[12], address.bytes.data(), 4);
  return mapped;
}

int open_socket(const SocketAddress& address, int type, int protocol) {
  constexpr timeval kTimeLimit{3, 0};
  const int number = socket(address.any.sa_family, type | SOCK_CLOEXEC, protocol);
  if (number < 0) return number;
  setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &kTimeLimit, sizeof kTimeLimit);
  setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &kTimeLimit, sizeof kTimeLimit);
  return number;
}

std::vector<IpAddress> addresses_of(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<IpAddress> found;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return found;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(info->ai_addr);
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(info->ai_addr);
    const auto* bytes = info->ai_family == AF_INET
                            ? reinterpret_cast<const std::uint8_t*>(&v4->sin_addr)
                            : v6->sin6_addr.s6_addr;
    found.push_back(IpAddress::of_bytes({bytes, info->ai_family == AF_INET ? 4u : 16u}));
  }
  freeaddrinfo(list);
  return found;
}

}  // namespace picortex
