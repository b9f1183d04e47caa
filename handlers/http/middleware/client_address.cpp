#include "handlers/http/middleware/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/net/socket_address.h"
#include "base/parse.h"

namespace picortex {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

ClientAddress::ClientAddress(const IpAddress& address) noexcept
    : family_(address.is_v6 ? Family::v6 : Family::v4), address_(address) {
  if (!address.is_v6 || !std::ranges::equal(kMappedPrefix, address.raw().first(12))) return;
  family_ = Family::v4;
  address_ = IpAddress::of_bytes(address.raw().subspan(12));
}

ClientAddress ClientAddress::unix_peer(uid_t uid) noexcept {
  ClientAddress address;
  address.family_ = Family::unix_peer;
  const std::uint32_t wire = htonl(uid);
  std::memcpy(address.address_.bytes.data(), &wire, sizeof wire);
  return address;
}

std::optional<ClientAddress> ClientAddress::from_socket(const sockaddr_storage& address) noexcept {
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return std::nullopt;
  SocketAddress socket;
  std::memcpy(&socket.v6, &address, sizeof socket.v6);
  return ClientAddress(socket.address());
}

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) noexcept {
  const auto address = parse_ip_address(text);
  if (!address) return std::nullopt;
  return ClientAddress(*address);
}

bool ClientAddress::is_unspecified() const noexcept {
  return family_ != Family::unix_peer && address_.bytes == std::array<std::uint8_t, 16>{};
}

bool ClientAddress::is_loopback() const noexcept {
  return family_ != Family::unix_peer && address_class(address_) == AddressClass::loopback;
}

void ClientAddress::append_to(std::string& out) const {
  if (family_ != Family::unix_peer) {
    return append_address(out, address_);
  }
  std::uint32_t wire;
  std::memcpy(&wire, address_.bytes.data(), sizeof wire);
  out += "unix:" + std::to_string(ntohl(wire));
}

std::string ClientAddress::text() const {
  std::string out;
  append_to(out);
  return out;
}

Result<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address_text = text.substr(0, slash);
  const auto address = ClientAddress::parse(address_text);
  if (!address) {
    return failure("\"" + std::string(text) + "\" is neither an IP address nor a CIDR block");
  }
  const auto most = static_cast<unsigned>(address->size() * 8);
  Cidr cidr;
  cidr.network_ = network_of(address->ip(), static_cast<std::uint8_t>(most));
  if (slash == std::string_view::npos) return cidr;
  // A prefix of an IPv4 address in IPv6 form counts the 96 bits before it.
  const unsigned mapped_bits =
      most == 32 && address_text.find(':') != std::string_view::npos ? 96 : 0;
  const auto bits = parse_whole<unsigned>(text.substr(slash + 1), mapped_bits, most + mapped_bits);
  if (!bits) {
    return failure("\"" + std::string(text) + "\": the prefix must be a number from " +
                   std::to_string(mapped_bits) + " to " + std::to_string(most + mapped_bits));
  }
  cidr.network_ = network_of(address->ip(), static_cast<std::uint8_t>(*bits - mapped_bits));
  return cidr;
}

bool Cidr::contains(const ClientAddress& address) const noexcept {
  return address.family() != ClientAddress::Family::unix_peer && network_.contains(address.ip());
}

}  // namespace picortex
