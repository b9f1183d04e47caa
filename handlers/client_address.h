#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// Where a request comes from: an IPv4 or IPv6 address, or the user behind a Unix socket. An IPv4
// address written as IPv6 (::ffff:192.0.2.1) is the IPv4 address. Ports and zones are not part of
// it.
class ClientAddress {
 public:
  enum class Family : std::uint8_t { v4, v6, unix_peer };

  // The unspecified IPv4 address, 0.0.0.0.
  ClientAddress() = default;

  static ClientAddress v4(std::array<std::uint8_t, 4> bytes) noexcept;
  static ClientAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept;
  static ClientAddress unix_peer(uid_t uid) noexcept;

  // Reads what accept(2) or getpeername(2) gave: AF_INET or AF_INET6; none for others, since of a
  // Unix peer SO_PEERCRED knows the user.
  static std::optional<ClientAddress> from_socket(const sockaddr_storage& address) noexcept;

  // Reads "192.0.2.1" or "2001:db8::1" as inet_pton(3) does; no brackets, no zone, no port.
  static std::optional<ClientAddress> parse(std::string_view text) noexcept;

  Family family() const noexcept { return family_; }
  // 4, 16, or the 4 bytes of the user id.
  std::size_t size() const noexcept { return family_ == Family::v6 ? 16 : 4; }
  // In network order, zero behind size().
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

  // 0.0.0.0 or ::.
  bool is_unspecified() const noexcept;
  // 127.0.0.0/8 or ::1.
  bool is_loopback() const noexcept;

  // Appends its text, RFC 5952 for IPv6, "unix:1000" for the user 1000.
  void append_to(std::string& out) const;
  std::string text() const;

  bool operator==(const ClientAddress&) const = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

// A block of addresses, "192.0.2.0/24" or a single address (RFC 4632, RFC 4291 section 2.3). Bits
// behind the prefix do not count.
class Cidr {
 public:
  static Result<Cidr> parse(std::string_view text);

  // Never true across families, nor for Unix peers.
  bool contains(const ClientAddress& address) const noexcept;

 private:
  ClientAddress base_;
  unsigned prefix_bits_ = 0;
};

}  // namespace picortex
