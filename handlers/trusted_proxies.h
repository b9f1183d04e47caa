#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/client_address.h"

namespace picortex {

// The proxies whose X-Forwarded-For is believed (PICORTEX_TRUSTED_PROXIES). None by default: then
// every peer is its own client.
class TrustedProxies {
 public:
  TrustedProxies() = default;

  // Reads addresses and CIDR blocks with commas between; the error names the bad one.
  static Result<TrustedProxies> parse(std::string_view list);

  // Who is behind `peer`. Each trusted proxy wrote the last address of X-Forwarded-For when it got
  // the request, so the walk goes from the right: to the first address that is not trusted, or,
  // where an entry is no address, to the last good one. `forwarded_for`: the values of the
  // request's X-Forwarded-For fields in their order. An entry may carry a port ("192.0.2.1:4711",
  // "[2001:db8::1]:4711"). Allocates nothing.
  ClientAddress client_of(const ClientAddress& peer,
                          std::span<const std::string_view> forwarded_for) const noexcept;

 private:
  bool trusts(const ClientAddress& address) const noexcept;

  std::vector<Cidr> blocks_;
};

}  // namespace picortex
