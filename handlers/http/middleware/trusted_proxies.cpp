#include "handlers/http/middleware/trusted_proxies.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace picortex {
namespace {

// Removes and returns the last entry of a list separated by commas.
std::string_view take_last(std::string_view& list) noexcept {
  const auto comma = list.rfind(',');
  const auto entry = list.substr(comma == std::string_view::npos ? 0 : comma + 1);
  list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
  return trimmed(entry);
}

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<ClientAddress> parse_entry(std::string_view entry) noexcept {
  if (entry.starts_with('[')) {
    const auto close = entry.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto behind = entry.substr(close + 1);
    if (!behind.empty() && (behind.front() != ':' || !is_port(behind.substr(1)))) {
      return std::nullopt;
    }
    return ClientAddress::parse(entry.substr(1, close - 1));
  }
  // One colon precedes a port; more belong to IPv6.
  const auto colon = entry.find(':');
  if (colon != std::string_view::npos && colon == entry.rfind(':')) {
    if (!is_port(entry.substr(colon + 1))) return std::nullopt;
    entry = entry.substr(0, colon);
  }
  return ClientAddress::parse(entry);
}

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(std::string_view list) {
  TrustedProxies proxies;
  while (!list.empty()) {
    const auto entry = take_last(list);
    if (entry.empty()) continue;
    proxies.blocks_.push_back(TRY(Cidr::parse(entry)));
  }
  return proxies;
}

bool TrustedProxies::trusts(const ClientAddress& address) const noexcept {
  return std::ranges::any_of(blocks_, [&](const Cidr& block) { return block.contains(address); });
}

ClientAddress TrustedProxies::client_of(
    const ClientAddress& peer, std::span<const std::string_view> forwarded_for) const noexcept {
  ClientAddress client = peer;
  while (!forwarded_for.empty() && trusts(client)) {
    std::string_view list = forwarded_for.back();
    forwarded_for = forwarded_for.first(forwarded_for.size() - 1);
    while (!list.empty() && trusts(client)) {
      const auto entry = take_last(list);
      if (entry.empty()) continue;  // RFC 9110, section 5.6.1: empty elements do not count
      const auto address = parse_entry(entry);
      if (!address) return client;
      client = *address;
    }
  }
  return client;
}

}  // namespace picortex
