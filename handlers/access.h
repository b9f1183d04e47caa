#pragma once

#include <sys/types.h>

#include <optional>

#include "handlers/authority.h"
#include "handlers/http/request.h"
#include "handlers/http/request_parser.h"
#include "handlers/http/router.h"
#include "handlers/token.h"

namespace picortex {

// Decides who may call a route. Loopback is no proof, since the fenced user reaches it too: what is
// not public wants the token, or a Unix socket's peer that is root or the daemon's own user.
class AccessControl {
 public:
  AccessControl(OwnNames names, Token token);

  // The names of PICORTEX_HOSTS from now on.
  void replace_hosts(const OwnNames& names) { names_.replace_hosts(names); }

  // `peer_uid`: of a Unix socket's peer. The refusal is 401 or 403; its reason lasts as long as
  // this.
  http::Refusal check(http::Access access, const http::Request& request,
                      std::optional<uid_t> peer_uid) const noexcept;

 private:
  OwnNames names_;
  Token token_;
  uid_t own_uid_;
};

}  // namespace picortex
