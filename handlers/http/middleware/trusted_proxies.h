#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/http/middleware/client_address.h"

namespace picortex {

// The proxies whose X-Forwarded-For is trusted (PICORTEX_TRUSTED_PROXIES). None by default: then
// every peer is its own client.
class TrustedProxies {
 public:
  TrustedProxies() = default;

  // Parses addresses and CIDR blocks separated by commas; the error names the invalid one.
  static Result<TrustedProxies> parse(std::string_view list);

  // Returns the client on whose behalf `peer` sent the request. Each trusted proxy appended the
  // last address of X-Forwarded-For when it received the request, so the walk goes from the right:
  // to the first address that is not trusted, or, if an entry is no address, to the last valid one.
  // `forwarded_for` has the values of the request's X-Forwarded-For fields in their order. An entry
  // may have a port ("192.0.2.1:4711", "[2001:db8::1]:4711"). Allocates nothing.
  ClientAddress client_of(const ClientAddress& peer,
                          std::span<const std::string_view> forwarded_for) const noexcept;

 private:
  bool trusts(const ClientAddress& address) const noexcept;

  std::vector<Cidr> blocks_;
};

}  // namespace picortex
