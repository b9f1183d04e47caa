#include "handlers/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace picortex {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<unsigned> parse_prefix(std::string_view text, unsigned most) noexcept {
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc{} || end != text.data() + text.size() || bits > most) return std::nullopt;
  return bits;
}

}  // namespace

ClientAddress ClientAddress::v4(std::array<std::uint8_t, 4> bytes) noexcept {
  ClientAddress address;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

ClientAddress ClientAddress::v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  ClientAddress address;
  address.family_ = Family::v6;
  address.bytes_ = bytes;
  return address;
}

ClientAddress ClientAddress::unix_peer(uid_t uid) noexcept {
  ClientAddress address;
  address.family_ = Family::unix_peer;
  const std::uint32_t wire = htonl(uid);
  std::memcpy(address.bytes_.data(), &wire, sizeof wire);
  return address;
}

std::optional<ClientAddress> ClientAddress::from_socket(const sockaddr_storage& address) noexcept {
  if (address.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return v4(bytes);
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, &address, sizeof in6);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &in6.sin6_addr, bytes.size());
    return v6(bytes);
  }
  return std::nullopt;
}

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) noexcept {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  terminated[text.copy(terminated, text.size())] = '\0';
  if (std::array<std::uint8_t, 4> four; inet_pton(AF_INET, terminated, four.data()) == 1) {
    return v4(four);
  }
  if (std::array<std::uint8_t, 16> sixteen; inet_pton(AF_INET6, terminated, sixteen.data()) == 1) {
    return v6(sixteen);
  }
  return std::nullopt;
}

bool ClientAddress::is_unspecified() const noexcept {
  return family_ != Family::unix_peer && bytes_ == std::array<std::uint8_t, 16>{};
}

bool ClientAddress::is_loopback() const noexcept {
  constexpr std::array<std::uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return (family_ == Family::v4 && bytes_[0] == 127) ||
         (family_ == Family::v6 && bytes_ == kLoopback6);
}

void ClientAddress::append_to(std::string& out) const {
  char text[INET6_ADDRSTRLEN];
  if (family_ == Family::unix_peer) {
    std::uint32_t wire;
    std::memcpy(&wire, bytes_.data(), sizeof wire);
    out += "unix:";
    out.append(text, std::to_chars(text, text + sizeof text, ntohl(wire)).ptr);
    return;
  }
  out += inet_ntop(family_ == Family::v4 ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
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
  Cidr cidr;
  cidr.base_ = *address;
  const auto most = static_cast<unsigned>(address->size() * 8);
  cidr.prefix_bits_ = most;
  if (slash == std::string_view::npos) return cidr;
  // A prefix written for the IPv6 form of an IPv4 address counts the 96 bits in front of it.
  const unsigned mapped_bits =
      most == 32 && address_text.find(':') != std::string_view::npos ? 96 : 0;
  const auto bits = parse_prefix(text.substr(slash + 1), most + mapped_bits);
  if (!bits || *bits < mapped_bits) {
    return failure("\"" + std::string(text) + "\": the prefix must be a number from " +
                   std::to_string(mapped_bits) + " to " + std::to_string(most + mapped_bits));
  }
  cidr.prefix_bits_ = *bits - mapped_bits;
  return cidr;
}

bool Cidr::contains(const ClientAddress& address) const noexcept {
  if (address.family() != base_.family()) return false;
  const std::size_t whole = prefix_bits_ / 8;
  if (std::memcmp(address.bytes().data(), base_.bytes().data(), whole) != 0) return false;
  const unsigned rest = prefix_bits_ % 8;
  return rest == 0 || (address.bytes()[whole] ^ base_.bytes()[whole]) >> (8 - rest) == 0;
}

}  // namespace picortex
