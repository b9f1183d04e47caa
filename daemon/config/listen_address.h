#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// An address where the daemon listens and its clients connect: an IPv4 or IPv6 address with a port,
// or the path of a Unix socket. A plain value that always holds a complete socket address.
class ListenAddress {
 public:
  // Parses `1.2.3.4:80`, `[::1]:80`, `localhost:80` (127.0.0.1) or `unix:/absolute/path`. Ports are
  // 0 to 65535; 0 lets the kernel choose one. Returns nothing for anything else: names are never
  // resolved.
  static std::optional<ListenAddress> parse(std::string_view text);

  int family() const noexcept { return storage_.ss_family; }  // AF_INET, AF_INET6 or AF_UNIX
  std::uint16_t port() const noexcept;                        // 0 for a Unix socket
  std::string_view path() const noexcept;                     // empty unless it is a Unix socket

  const sockaddr* socket_address() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  socklen_t socket_address_size() const noexcept { return size_; }

  // Returns the same address with another port, such as the one that the kernel chose.
  ListenAddress with_port(std::uint16_t port) const noexcept;

  // Returns where a client on this host reaches it: with loopback in place of 0.0.0.0 and [::].
  ListenAddress reachable() const noexcept;

  // Returns the form that parse() reads.
  std::string text() const;

 private:
  ListenAddress() = default;
  static std::optional<ListenAddress> parse_path(std::string_view path);

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace picortex
