#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace picortex {

// An IPv4 or IPv6 address in network order. An IPv4 address fills the first 4 bytes; the others
// stay 0, so that comparing the whole compares addresses.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;

  // `raw`: 4 or 16 bytes.
  static IpAddress of_bytes(std::span<const std::uint8_t> raw) noexcept;

  std::span<const std::uint8_t> raw() const noexcept {
    return {bytes.data(), std::size_t{is_v6 ? 16u : 4u}};
  }
  auto operator<=>(const IpAddress&) const = default;
};

// Dotted quad or RFC 4291 text, without brackets, port or zone; none for anything else, such as the
// short forms of inet_aton(3).
std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept;

// RFC 5952 text.
std::string to_string(const IpAddress& address);

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const noexcept;
};

// An address block (RFC 4632): all bits behind the prefix are 0.
struct IpNetwork {
  IpAddress address;
  std::uint8_t prefix_size = 0;  // bits: 0 to 32, or to 128

  bool operator==(const IpNetwork&) const = default;
};

// `address` with every bit behind the prefix cleared.
IpNetwork network_of(const IpAddress& address, std::uint8_t prefix_size) noexcept;

// What an address is for (the registries of RFC 6890), as far as a fence cares.
enum class AddressClass : std::uint8_t {
  global,       // reachable over the internet; NAT64 (RFC 6052) of such an IPv4 address too
  unspecified,  // 0.0.0.0/8 and ::
  loopback,
  link_local,
  private_use,  // RFC 1918, unique local (RFC 4193), NAT64's local prefix (RFC 8215), site local
  shared,       // carrier-grade NAT: 100.64.0.0/10
  metadata,     // the addresses at which clouds hand credentials to whoever asks
  multicast,
  v4_mapped,  // ::ffff:0:0/96 and what else hides an IPv4 address: ::/96, 6to4, Teredo
  reserved,   // broadcast, documentation, benchmarks, class E, and all outside of 2000::/3
};

AddressClass address_class(const IpAddress& address) noexcept;

}  // namespace picortex
