#include "handlers/http/middleware/access_control.h"

#include <openssl/crypto.h>
#include <unistd.h>

#include <optional>

#include "base/check.h"
#include "handlers/http/middleware/chat_key.h"

namespace picortex {
namespace {

using http::Access;
using http::Scope;
using http::Scopes;

std::optional<Scope> scope_needed(Access access) noexcept {
  switch (access) {
    case Access::anyone:
    case Access::own_host:
    case Access::own_names:
    case Access::any_scope:
      return std::nullopt;
    case Access::read:
      return Scope::read;
    case Access::write:
      return Scope::write;
    case Access::telemetry:
      return Scope::telemetry;
    case Access::admin:
      break;
  }
  return Scope::admin;
}

const char* missing_scope(Scope scope) noexcept {
  switch (scope) {
    case Scope::read:
      return "The token or the user lacks the scope read: picortex token create NAME --scope read";
    case Scope::write:
      return "The token or the user lacks the scope write: picortex token create NAME --scope "
             "write";
    case Scope::telemetry:
      return "The token or the user lacks the scope telemetry: picortex token create NAME --scope "
             "telemetry";
    case Scope::admin:
      break;
  }
  return "Only the token of <data dir>/token, or one with the scope admin, may do this";
}

}  // namespace

AccessControl::AccessControl(AllowedHosts names, Token token)
    : names_(std::move(names)),
      token_(std::move(token)),
      telemetry_digest_(digest_of(telemetry_token(token_.text()))),
      own_uid_(geteuid()) {}

void AccessControl::replace_tokens(std::vector<NamedToken> tokens) {
  CHECK(tokens.size() <= kNamedTokensMax);
  tokens_ = std::move(tokens);
  uses_ = 0;  // the bits stood for others
}

AccessControl::Decision AccessControl::check(Access access, const http::Request& request,
                                             const http::Peer& peer) const noexcept {
  if (const auto rejection = check_names(access, request, peer)) return {rejection, {}};
  const auto needed = scope_needed(access);
  if (!needed && access != Access::any_scope) return {};
  const http::Field* authorization = request.find("authorization");
  // The peer's own scopes are no fallback for a wrong token: the client would not learn that it was
  // revoked, and would act as somebody else than it meant to.
  const Scopes scopes =
      authorization ? scopes_of_token(authorization->value) : scopes_of_peer(peer);
  // A token that is wrong is an error, also where none is needed.
  const bool is_enough = needed ? scopes.grant(*needed) : !scopes.is_empty() || !authorization;
  if (is_enough) return {{}, scopes};
  if (!scopes.is_empty()) return {{403, missing_scope(*needed)}, {}};
  return {{401, authorization ? "Unknown token: it is wrong, or was revoked or rotated. "
                                "Authorization: Bearer must carry the secret of <data dir>/token, "
                                "or of picortex token create"
                              : "A token is needed: send Authorization: Bearer with the secret of "
                                "<data dir>/token, or of picortex token create"},
          {}};
}

http::Rejection AccessControl::check_names(Access access, const http::Request& request,
                                           const http::Peer& peer) const noexcept {
  if (access == Access::anyone) return {};
  // A web page cannot reach a Unix socket, so the Host means nothing there.
  if (!peer.uid && !names_.accepts_host(request.host)) {
    return {403,
            "Host not allowed. If picortex runs behind a proxy, add its public name to "
            "PICORTEX_HOSTS."};
  }
  if (access == Access::own_host) return {};
  const std::string_view origin = request.field("origin");
  if (!origin.empty() && !names_.accepts_origin(origin)) {
    return {403,
            "Origin not allowed. If picortex runs behind a proxy, add its public name to "
            "PICORTEX_HOSTS."};
  }
  return {};
}

Scopes AccessControl::scopes_of_token(std::string_view authorization) const noexcept {
  if (token_.matches(authorization)) return {Scope::admin};
  const std::string_view secret = bearer_of(authorization);
  if (secret.empty() || secret.size() > Token::kSizeMax) return {};
  const TokenDigest digest = digest_of(secret);
  // All are compared, so that the time taken does not say which one was near.
  Scopes found;
  if (CRYPTO_memcmp(digest.data(), telemetry_digest_.data(), digest.size()) == 0) {
    found = {Scope::telemetry};
  }
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (CRYPTO_memcmp(digest.data(), tokens_[i].digest.data(), digest.size()) != 0) continue;
    found = tokens_[i].scopes;
    uses_ |= std::uint64_t{1} << i;
  }
  return found;
}

Scopes AccessControl::scopes_of_peer(const http::Peer& peer) const noexcept {
  if (peer.uid == uid_t{0} || peer.uid == own_uid_) return {Scope::admin};
  return peers_.of(peer);
}

}  // namespace picortex
