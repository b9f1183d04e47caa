#include "base/net/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/check.h"

namespace picortex {
namespace {

struct ClassifiedNetwork {
  std::array<std::uint8_t, 16> address;
  std::uint8_t prefix_size;
  AddressClass kind;
};

bool starts_with(std::span<const std::uint8_t> address, const ClassifiedNetwork& network) noexcept {
  // Nearly all addresses differ here.
  if (network.prefix_size >= 8 && address[0] != network.address[0]) return false;
  const std::size_t whole = network.prefix_size / 8;
  const int rest = network.prefix_size % 8;
  if (!std::equal(address.begin(), address.begin() + whole, network.address.begin())) return false;
  return rest == 0 || (address[whole] ^ network.address[whole]) >> (8 - rest) == 0;
}

template <std::size_t kCount>
AddressClass first_of(const ClassifiedNetwork (&networks)[kCount],
                      std::span<const std::uint8_t> address, AddressClass otherwise) noexcept {
  for (const ClassifiedNetwork& network : networks) {
    if (starts_with(address, network)) return network.kind;
  }
  return otherwise;
}

// The first match decides: single addresses precede the blocks that contain them.
constexpr ClassifiedNetwork kV4Networks[] = {
    {{169, 254, 169, 254}, 32, AddressClass::metadata},
    {{169, 254, 170, 2}, 32, AddressClass::metadata},    // Amazon ECS
    {{100, 100, 100, 200}, 32, AddressClass::metadata},  // Alibaba
    {{168, 63, 129, 16}, 32, AddressClass::metadata},    // Azure's host
    {{0}, 8, AddressClass::unspecified},
    {{10}, 8, AddressClass::private_use},
    {{100, 64}, 10, AddressClass::shared},
    {{127}, 8, AddressClass::loopback},
    {{169, 254}, 16, AddressClass::link_local},
    {{172, 16}, 12, AddressClass::private_use},
    {{192, 0, 0}, 24, AddressClass::reserved},
    {{192, 0, 2}, 24, AddressClass::reserved},
    {{192, 88, 99}, 24, AddressClass::reserved},
    {{192, 168}, 16, AddressClass::private_use},
    {{198, 18}, 15, AddressClass::reserved},
    {{198, 51, 100}, 24, AddressClass::reserved},
    {{203, 0, 113}, 24, AddressClass::reserved},
    {{224}, 4, AddressClass::multicast},
    {{240}, 4, AddressClass::reserved},
};

constexpr ClassifiedNetwork kV6Networks[] = {
    {{0}, 128, AddressClass::unspecified},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, AddressClass::loopback},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, AddressClass::v4_mapped},
    {{0}, 96, AddressClass::v4_mapped},
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, AddressClass::private_use},
    {{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54}, 128, AddressClass::metadata},
    {{0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54}, 128, AddressClass::metadata},
    {{0xfc}, 7, AddressClass::private_use},
    {{0xfe, 0x80}, 10, AddressClass::link_local},
    {{0xfe, 0xc0}, 10, AddressClass::private_use},
    {{0xff}, 8, AddressClass::multicast},
    {{0x20, 0x01, 0, 0}, 32, AddressClass::v4_mapped},
    {{0x20, 0x01}, 23, AddressClass::reserved},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, AddressClass::reserved},
    {{0x20, 0x02}, 16, AddressClass::v4_mapped},
    {{0x3f, 0xff}, 20, AddressClass::reserved},
    {{0x20}, 3, AddressClass::global},
};

constexpr ClassifiedNetwork kNat64 = {{0, 0x64, 0xff, 0x9b}, 96, AddressClass::global};

}  // namespace

IpAddress IpAddress::of_bytes(std::span<const std::uint8_t> raw) noexcept {
  CHECK(raw.size() == 4 || raw.size() == 16);
  IpAddress address;
  address.is_v6 = raw.size() == 16;
  std::copy(raw.begin(), raw.end(), address.bytes.begin());
  return address;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) noexcept {
  char copy[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof copy || text.find('\0') != text.npos) return std::nullopt;
  *std::copy(text.begin(), text.end(), copy) = '\0';
  IpAddress address;
  address.is_v6 = text.find(':') != text.npos;
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, copy, address.bytes.data()) != 1) return std::nullopt;
  return address;
}

void append_address(std::string& out, const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  CHECK(inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text));
  out += text;
}

std::string to_string(const IpAddress& address) {
  std::string text;
  append_address(text, address);
  return text;
}

std::size_t IpAddressHash::operator()(const IpAddress& address) const noexcept {
  return std::hash<std::string_view>{}(
      {reinterpret_cast<const char*>(address.bytes.data()), address.raw().size()});
}

IpNetwork network_of(const IpAddress& address, std::uint8_t prefix_size) noexcept {
  IpNetwork network{address, prefix_size};
  CHECK(prefix_size <= address.raw().size() * 8);
  for (std::size_t i = 0; i < address.raw().size(); ++i) {
    const int kept = std::clamp(prefix_size - static_cast<int>(i) * 8, 0, 8);
    network.address.bytes[i] &= static_cast<std::uint8_t>(0xff00 >> kept);
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& other) const noexcept {
  return other.is_v6 == address.is_v6 && network_of(other, prefix_size).address == address;
}

AddressClass address_class(const IpAddress& address) noexcept {
  const auto raw = address.raw();
  if (!address.is_v6) return first_of(kV4Networks, raw, AddressClass::global);
  if (starts_with(raw, kNat64)) return first_of(kV4Networks, raw.subspan(12), AddressClass::global);
  return first_of(kV6Networks, raw, AddressClass::reserved);
}

}  // namespace picortex
