#include "handlers/access.h"

#include <unistd.h>

#include <utility>

namespace picortex {

AccessControl::AccessControl(OwnNames names, Token token)
    : names_(std::move(names)), token_(std::move(token)), own_uid_(geteuid()) {}

http::Refusal AccessControl::check(http::Access access, const http::Request& request,
                                   std::optional<uid_t> peer_uid) const noexcept {
  if (access == http::Access::anyone) return {};
  // A page reaches no Unix socket, so there the Host tells nothing.
  if (!peer_uid && !names_.accepts_host(request.host)) {
    return {403, "This Host is not served here; a proxy's names go into PICORTEX_HOSTS"};
  }
  if (access == http::Access::own_host) return {};
  const std::string_view origin = request.field("origin");
  if (!origin.empty() && !names_.accepts_origin(origin)) {
    return {403, "This Origin may not call here; a proxy's names go into PICORTEX_HOSTS"};
  }
  if (access == http::Access::own_names) return {};
  if (peer_uid == uid_t{0} || peer_uid == own_uid_) return {};
  if (token_.matches(request.field("authorization"))) return {};
  return {401, "Authorization: Bearer with the token of <data dir>/token is needed"};
}

}  // namespace picortex
