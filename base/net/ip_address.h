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

  // `raw` must have 4 or 16 bytes.
  static IpAddress of_bytes(std::span<const std::uint8_t> raw) noexcept;

  std::span<const std::uint8_t> raw() const noexcept {
    return {bytes.data(), std::size_t{is_v6 ? 16u : 4u}};
  }
  auto operator<=>(const IpAddress&) const = default;
};

// Parses a dotted quad or RFC 4291 text, without brackets, port or zone; returns nothing for
// anything else, such as the short forms of inet_aton(3).
std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept;

// Returns RFC 5952 text.
void append_address(std::string& out, const IpAddress& address);
std::string to_string(const IpAddress& address);

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const noexcept;
};

// An address block (RFC 4632): all bits after the prefix are 0.
struct IpNetwork {
  IpAddress address;
  std::uint8_t prefix_size = 0;  // bits: 0 to 32, or to 128

  // False for an address of the other family.
  bool contains(const IpAddress& other) const noexcept;
  bool operator==(const IpNetwork&) const = default;
};

// Returns `address` with every bit after the prefix cleared.
IpNetwork network_of(const IpAddress& address, std::uint8_t prefix_size) noexcept;

// The purpose of an address (the registries of RFC 6890), as far as it matters to a fence.
enum class AddressClass : std::uint8_t {
  global,       // reachable over the internet, or NAT64 (RFC 6052) of such an IPv4 address
  unspecified,  // 0.0.0.0/8 and ::
  loopback,
  link_local,
  private_use,  // RFC 1918, unique local (RFC 4193), NAT64's local prefix (RFC 8215), site local
  shared,       // carrier-grade NAT: 100.64.0.0/10
  metadata,     // where clouds hand out credentials to any client
  multicast,
  v4_mapped,  // ::ffff:0:0/96 and other forms that contain an IPv4 address: ::/96, 6to4, Teredo
  reserved,   // broadcast, documentation, benchmarks, class E, and everything outside of 2000::/3
};

AddressClass address_class(const IpAddress& address) noexcept;

}  // namespace picortex
