#include "handlers/http/middleware/authority.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/parse.h"
#include "base/text.h"

namespace picortex {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool take_prefix_in_any_case(std::string_view& text, std::string_view prefix) noexcept {
  if (!starts_with_ignoring_case(text, prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_unreserved_or_sub_delim(char c) noexcept {
  return is_alphanumeric(c) ||
         (c != '\0' && std::string_view("-._~!$&'()*+,;=").find(c) != std::string_view::npos);
}

// reg-name = *( unreserved / pct-encoded / sub-delims )
bool is_reg_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_unreserved_or_sub_delim(text[i])) continue;
    if (text[i] != '%' || i + 2 >= text.size()) return false;
    if (!is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2])) return false;
    i += 2;
  }
  return true;
}

// True for a name that can be in the DNS (RFC 1123, section 2.1, plus the underscore that names in
// use have).
bool is_host_name(std::string_view name) noexcept {
  constexpr std::size_t kLabelSizeMax = 63;
  constexpr std::size_t kNameSizeMax = 253;
  if (name.size() > kNameSizeMax) return false;
  std::size_t label_size = 0;
  for (const char c : name) {
    const bool is_plain = is_alphanumeric(c) || c == '_' || (c == '-' && label_size > 0);
    if (c == '.' ? label_size == 0 : !is_plain) return false;
    label_size = c == '.' ? 0 : label_size + 1;
    if (label_size > kLabelSizeMax) return false;
  }
  return label_size > 0;
}

// Parses what follows the host: nothing, or a colon and any number of digits.
bool parse_port(std::string_view text, std::optional<std::uint16_t>& port) noexcept {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  if (text.empty()) return true;
  port = parse_whole<std::uint16_t>(text);
  return port.has_value();
}

bool names_same_host(const Authority& authority, std::string_view name,
                     const std::optional<ClientAddress>& address) noexcept {
  if (authority.address || address) return authority.address == address;
  return equals_ignoring_case(authority.name, name);
}

}  // namespace

std::optional<Authority> Authority::parse(std::string_view text) noexcept {
  Authority authority;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    authority.name = text.substr(1, close - 1);
    if (authority.name.find(':') == std::string_view::npos) return std::nullopt;
    authority.address = ClientAddress::parse(authority.name);
    if (!authority.address || !parse_port(text.substr(close + 1), authority.port)) {
      return std::nullopt;
    }
    return authority;
  }
  const auto colon = std::min(text.find(':'), text.size());
  authority.name = text.substr(0, colon);
  if (!is_reg_name(authority.name) || !parse_port(text.substr(colon), authority.port)) {
    return std::nullopt;
  }
  if (authority.name.ends_with('.')) authority.name.remove_suffix(1);
  if (authority.name.empty()) return std::nullopt;
  authority.address = ClientAddress::parse(authority.name);
  return authority;
}

void AllowedHosts::add_listener(const ClientAddress& address, std::uint16_t port) {
  listeners_.push_back({address, port});
}

Result<void> AllowedHosts::add_hosts(std::string_view list) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const auto entry = trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (entry.empty()) continue;
    const auto authority = Authority::parse(entry);
    if (!authority || (!authority->address && !is_host_name(authority->name))) {
      return failure("\"" + std::string(entry) +
                     "\" is no host: write name, name:port, an IPv4 address or [an IPv6 address]");
    }
    proxied_hosts_.push_back({std::string(authority->name), authority->address, authority->port});
  }
  return {};
}

bool AllowedHosts::is_listener(const Authority& authority, std::uint16_t port) const noexcept {
  const auto is_named = [&](const Listener& listener) {
    if (listener.port != port) return false;
    if (!authority.address) return equals_ignoring_case(authority.name, "localhost");
    if (listener.address.is_unspecified() || *authority.address == listener.address) return true;
    return listener.address.is_loopback() &&
           (authority.address == ClientAddress::parse("127.0.0.1") ||
            (authority.address->family() == ClientAddress::Family::v6 &&
             authority.address->is_loopback()));
  };
  return std::ranges::any_of(listeners_, is_named);
}

bool AllowedHosts::accepts_host(std::string_view host_header) const noexcept {
  const auto authority = Authority::parse(host_header);
  if (!authority) return false;
  if (is_listener(*authority, authority->port.value_or(kHttpPort))) return true;
  return std::ranges::any_of(proxied_hosts_, [&](const ProxiedHost& host) {
    const bool port_fits =
        !host.port || (authority->port ? *host.port == *authority->port
                                       : *host.port == kHttpPort || *host.port == kHttpsPort);
    return port_fits && names_same_host(*authority, host.name, host.address);
  });
}

bool AllowedHosts::accepts_origin(std::string_view origin) const noexcept {
  const bool is_https = take_prefix_in_any_case(origin, "https://");
  if (!is_https && !take_prefix_in_any_case(origin, "http://")) return false;
  const auto authority = Authority::parse(origin);
  if (!authority) return false;
  const std::uint16_t port = authority->port.value_or(is_https ? kHttpsPort : kHttpPort);
  if (!is_https && is_listener(*authority, port)) return true;
  return std::ranges::any_of(proxied_hosts_, [&](const ProxiedHost& host) {
    return (!host.port || *host.port == port) &&
           names_same_host(*authority, host.name, host.address);
  });
}

}  // namespace picortex
