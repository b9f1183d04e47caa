#include "daemon/config/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "base/parse.h"

namespace picortex {
namespace {

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

template <class SocketAddress, class Storage>
auto* as(Storage& storage) noexcept {
  return reinterpret_cast<SocketAddress*>(&storage);
}

}  // namespace

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  if (text.starts_with("unix:")) return parse_path(text.substr(5));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_whole<std::uint16_t>(text.substr(colon + 1));
  std::string host(text.substr(0, colon));
  if (!port || host.find('\0') != std::string::npos) return std::nullopt;
  ListenAddress address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    auto* ipv6 = as<sockaddr_in6>(address.storage_);
    if (inet_pton(AF_INET6, host.c_str(), &ipv6->sin6_addr) != 1) return std::nullopt;
    address.storage_.ss_family = AF_INET6;
    address.size_ = sizeof *ipv6;
    return address.with_port(*port);
  }
  if (host == "localhost") host = "127.0.0.1";
  auto* ipv4 = as<sockaddr_in>(address.storage_);
  if (inet_pton(AF_INET, host.c_str(), &ipv4->sin_addr) != 1) return std::nullopt;
  address.storage_.ss_family = AF_INET;
  address.size_ = sizeof *ipv4;
  return address.with_port(*port);
}

std::optional<ListenAddress> ListenAddress::parse_path(std::string_view path) {
  ListenAddress address;
  auto* local = as<sockaddr_un>(address.storage_);
  // The terminator that unix(7) requires must fit too.
  if (path.size() < 2 || path.front() != '/' || path.size() >= sizeof local->sun_path) {
    return std::nullopt;
  }
  if (path.find('\0') != std::string_view::npos) return std::nullopt;
  local->sun_family = AF_UNIX;
  std::memcpy(local->sun_path, path.data(), path.size());
  address.size_ = static_cast<socklen_t>(kPathOffset + path.size() + 1);
  return address;
}

std::uint16_t ListenAddress::port() const noexcept {
  if (family() == AF_INET) return ntohs(as<const sockaddr_in>(storage_)->sin_port);
  if (family() == AF_INET6) return ntohs(as<const sockaddr_in6>(storage_)->sin6_port);
  return 0;
}

std::string_view ListenAddress::path() const noexcept {
  if (family() != AF_UNIX) return {};
  return {as<const sockaddr_un>(storage_)->sun_path, size_ - kPathOffset - 1};
}

ListenAddress ListenAddress::with_port(std::uint16_t port) const noexcept {
  ListenAddress address = *this;
  if (family() == AF_INET) as<sockaddr_in>(address.storage_)->sin_port = htons(port);
  if (family() == AF_INET6) as<sockaddr_in6>(address.storage_)->sin6_port = htons(port);
  return address;
}

ListenAddress ListenAddress::reachable() const noexcept {
  ListenAddress address = *this;
  if (family() == AF_INET) {
    in_addr& host = as<sockaddr_in>(address.storage_)->sin_addr;
    if (host.s_addr == htonl(INADDR_ANY)) host.s_addr = htonl(INADDR_LOOPBACK);
  } else if (family() == AF_INET6) {
    in6_addr& host = as<sockaddr_in6>(address.storage_)->sin6_addr;
    if (IN6_IS_ADDR_UNSPECIFIED(&host)) host = in6addr_loopback;
  }
  return address;
}

std::string ListenAddress::text() const {
  if (family() == AF_UNIX) return "unix:" + std::string(path());
  char host[INET6_ADDRSTRLEN];
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &as<const sockaddr_in>(storage_)->sin_addr, host, sizeof host);
    return std::string(host) + ':' + std::to_string(port());
  }
  inet_ntop(AF_INET6, &as<const sockaddr_in6>(storage_)->sin6_addr, host, sizeof host);
  return '[' + std::string(host) + "]:" + std::to_string(port());
}

}  // namespace picortex
