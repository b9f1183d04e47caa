#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "handlers/http/middleware/client_address.h"

namespace picortex {

// uri-host [":" port] (RFC 3986 section 3.2, RFC 9110 section 7.2), pointing into the text read.
struct Authority {
  std::string_view name;                 // as written, without brackets and trailing dot
  std::optional<ClientAddress> address;  // only if the host is an IP literal
  std::optional<std::uint16_t> port;     // none if absent or empty

  // Returns nothing if `text` violates the syntax or has an empty host. User information, IPv6
  // zones and IPvFuture count as violations: no client sends them.
  static std::optional<Authority> parse(std::string_view text) noexcept;
};

// The host names under which the daemon answers. A page of another site can point its own name at
// this
// host's address (DNS rebinding) or simply post to it; its Host or Origin shows that.
//
// Allowed are, with the port of a listener: localhost, and the address that it listens on; for a
// listener on loopback also 127.0.0.1 and [::1]; for one on all addresses every IP literal, since a
// rebinding attack needs a name. These are served by plain http only. Allowed are also the names of
// PICORTEX_HOSTS, by http or https. Names compare in any case, with or without a trailing dot.
class AllowedHosts {
 public:
  // `address` and `port` are those that the socket is bound to; the unspecified address means all.
  void add_listener(const ClientAddress& address, std::uint16_t port);

  // Parses PICORTEX_HOSTS: `host` (any port) or `host:port`, separated by commas; a host is a name,
  // an IPv4 address or an [IPv6 address]. The error names the invalid one; those before it are
  // added.
  Result<void> add_hosts(std::string_view list);

  // Replaces the hosts by those of `other`, and keeps the listeners.
  void replace_hosts(const AllowedHosts& other) { proxied_hosts_ = other.proxied_hosts_; }

  // Returns whether a Host header names this daemon. An absent port means 80, and for a host:port
  // of PICORTEX_HOSTS also 443, since browsers omit that to a TLS proxy. Allocates nothing.
  bool accepts_host(std::string_view host_header) const noexcept;

  // Returns whether an Origin header (RFC 6454, section 6.2) names this daemon; "null" does not.
  // Allocates nothing.
  bool accepts_origin(std::string_view origin) const noexcept;

 private:
  struct Listener {
    ClientAddress address;
    std::uint16_t port;
  };
  struct ProxiedHost {
    std::string name;
    std::optional<ClientAddress> address;
    std::optional<std::uint16_t> port;
  };

  bool is_listener(const Authority& authority, std::uint16_t port) const noexcept;

  std::vector<Listener> listeners_;
  std::vector<ProxiedHost> proxied_hosts_;
};

}  // namespace picortex
