#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/net/socket_address.h"
#include "base/result.h"
#include "handlers/http/middleware/scope.h"

namespace picortex::http {

// The process at the other end of a Unix socket when it connected (SO_PEERCRED, SO_PEERGROUPS). Of
// a TCP connection nothing is known.
struct Peer {
  static constexpr std::size_t kGroupsMax = 256;

  std::optional<uid_t> uid;  // none: a TCP connection
  gid_t primary_group = 0;
  // The supplementary groups. None are known of a process that has more than kGroupsMax.
  std::array<gid_t, kGroupsMax> groups;
  std::size_t group_count = 0;

  // Asks the kernel about a connected Unix socket; all is unknown when it does not say.
  static Peer of_unix_socket(int socket) noexcept;

  bool is_in(gid_t group) const noexcept;
};

// The two ends of a TCP connection.
struct ConnectionEnds {
  SocketAddress client;
  SocketAddress server;
};

// The scopes of PICORTEX_PEERS: what users and groups may do over a Unix socket without a token.
class PeerScopes {
 public:
  // Adds `USER:SCOPE[+SCOPE]` or `@GROUP:SCOPE[+SCOPE]`, each a name or a number. The names are
  // looked up now. The error is a clause that says why the entry is not allowed.
  Result<void> add(std::string_view entry);

  Scopes of(const Peer& peer) const noexcept;

 private:
  struct Grant {
    bool is_group;
    id_t id;
    Scopes scopes;
  };

  std::vector<Grant> grants_;
};

}  // namespace picortex::http
