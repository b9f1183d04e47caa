#pragma once

#include <sys/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "handlers/http/middleware/authority.h"
#include "handlers/http/middleware/named_tokens.h"
#include "handlers/http/middleware/peer_scopes.h"
#include "handlers/http/middleware/scope.h"
#include "handlers/http/middleware/token.h"
#include "handlers/http/request.h"
#include "handlers/http/request_parser.h"
#include "handlers/http/router.h"

namespace picortex {

// Decides which requests may call a route. Loopback proves nothing, since the fenced user reaches
// it too: what is not public needs a scope. An Authorization field alone decides, and is rejected if
// it carries no known token; without one, the peer of a Unix socket has the scopes of its user and
// groups, and root and the daemon's own user have all.
class AccessControl {
 public:
  AccessControl(AllowedHosts names, Token token);

  // Each of these replaces what was set before.
  void replace_hosts(const AllowedHosts& names) { names_.replace_hosts(names); }
  void replace_tokens(std::vector<NamedToken> tokens);
  void replace_peers(http::PeerScopes peers) { peers_ = std::move(peers); }

  struct Decision {
    http::Rejection rejection;  // 401 or 403; its reason is a literal
    http::Scopes scopes;        // that the request came with; empty where none was asked for
  };
  Decision check(http::Access access, const http::Request& request,
                 const http::Peer& peer) const noexcept;

  const Token& token() const noexcept { return token_; }
  const std::vector<NamedToken>& tokens() const noexcept { return tokens_; }
  // Bit i: tokens()[i] has been used since the last call.
  std::uint64_t take_uses() noexcept { return std::exchange(uses_, 0); }

 private:
  http::Rejection check_names(http::Access access, const http::Request& request,
                              const http::Peer& peer) const noexcept;
  http::Scopes scopes_of_token(std::string_view authorization) const noexcept;
  http::Scopes scopes_of_peer(const http::Peer& peer) const noexcept;

  AllowedHosts names_;
  Token token_;
  TokenDigest telemetry_digest_;  // of telemetry_token()
  std::vector<NamedToken> tokens_;
  http::PeerScopes peers_;
  mutable std::uint64_t uses_ = 0;  // as take_uses() returns it
  uid_t own_uid_;
};

static_assert(kNamedTokensMax <= 64, "a bit of AccessControl::take_uses() for each");

}  // namespace picortex
