#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/net/ip_address.h"
#include "base/result.h"

namespace picortex {

// The origin of a request: an IPv4 or IPv6 address, or the user of a Unix socket. An IPv4 address
// in IPv6 form (::ffff:192.0.2.1) is the IPv4 address. Ports and zones are not part of it.
class ClientAddress {
 public:
  enum class Family : std::uint8_t { v4, v6, unix_peer };

  // The unspecified IPv4 address, 0.0.0.0.
  ClientAddress() = default;

  explicit ClientAddress(const IpAddress& address) noexcept;
  static ClientAddress unix_peer(uid_t uid) noexcept;

  // Converts the result of accept(2) or getpeername(2): AF_INET or AF_INET6; returns nothing for
  // other families, since only SO_PEERCRED knows the user of a Unix peer.
  static std::optional<ClientAddress> from_socket(const sockaddr_storage& address) noexcept;

  // Reads what parse_ip_address() reads.
  static std::optional<ClientAddress> parse(std::string_view text) noexcept;

  Family family() const noexcept { return family_; }
  // 4, 16, or the 4 bytes of the user id.
  std::size_t size() const noexcept { return family_ == Family::v6 ? 16 : 4; }
  // In network order, zero after size().
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return address_.bytes; }
  // Must not be called on a Unix peer.
  const IpAddress& ip() const noexcept { return address_; }

  // True for 0.0.0.0 and ::.
  bool is_unspecified() const noexcept;
  // True for 127.0.0.0/8 and ::1.
  bool is_loopback() const noexcept;

  // Appends its text: RFC 5952 for IPv6, "unix:1000" for the user 1000.
  void append_to(std::string& out) const;
  std::string text() const;

  bool operator==(const ClientAddress&) const = default;

 private:
  Family family_ = Family::v4;
  IpAddress address_;  // of a Unix peer, the user id in its first bytes
};

// A block of addresses, "192.0.2.0/24" or a single address (RFC 4632, RFC 4291, section 2.3). Bits
// after the prefix are ignored.
class Cidr {
 public:
  static Result<Cidr> parse(std::string_view text);

  // Never true across families, nor for Unix peers.
  bool contains(const ClientAddress& address) const noexcept;

 private:
  IpNetwork network_;
};

}  // namespace picortex
