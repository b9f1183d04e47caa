#include <unistd.h>

#include <algorithm>

#include "base/terminal.h"
#include "cli/doctor/checks.h"
#include "handlers/http/middleware/peer_scopes.h"
#include "handlers/http/middleware/scope.h"

namespace picortex {
namespace {

std::string variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// The Unix socket over which the user may send events without a token; empty if there is none.
std::string granted_socket(const Examined& examined, const HostUser& user) {
  http::Peer peer;
  peer.uid = user.uid;
  peer.primary_group = user.gid;
  const auto groups = examined.host.group_ids_of(user);
  peer.group_count = std::min(groups.size(), http::Peer::kGroupsMax);
  std::copy_n(groups.begin(), peer.group_count, peer.groups.begin());
  if (!examined.options().peers.of(peer).grant(http::Scope::write)) return {};
  for (const ListenAddress& address : examined.options().listen) {
    const std::string path(address.path());
    if (path.empty()) continue;
    const auto obstacle = examined.host.obstacle(user, path, W_OK);
    if (obstacle && obstacle->empty()) return path;
  }
  return {};
}

// A token of the user's own, in a file that it alone may read.
std::string fix_of(const Examined& examined, const HostUser& user) {
  const std::string file = shell_word("/etc/picortex/" + user.name + ".token");
  return "install -D -m 600 -o " + shell_word(user.name) + " /dev/null " + file +
         " && picortex token create " + shell_word(user.name) + " --scope write --data-dir " +
         shell_word(examined.options().data_dir) + " > " + file +
         " && export PICORTEX_TOKEN_FILE=" + file;
}

}  // namespace

void check_client(const Examined& examined, const HostUser& user, const Environment& environment,
                  Findings& findings) {
  if (!variable(environment, "PICORTEX_TOKEN").empty()) {
    return findings.ok("client.token", user.name + " has the token in PICORTEX_TOKEN");
  }
  const std::string named = variable(environment, "PICORTEX_TOKEN_FILE");
  const std::string file = named.empty() ? examined.options().data_dir + "/token" : named;
  const auto obstacle = examined.host.obstacle(user, file, R_OK);
  if (!obstacle) {
    return findings.skipped(
        "client.token", "only root can see whether " + user.name + " may read " + shell_word(file));
  }
  if (obstacle->empty()) {
    return findings.ok("client.token", user.name + " may read the token in " + shell_word(file));
  }
  if (const std::string socket = granted_socket(examined, user); !socket.empty()) {
    return findings.ok("client.token", user.name + " may send events over " + shell_word(socket) +
                                           " without a token");
  }
  const bool can_be_given = !named.empty() && examined.host.exists(file) && *obstacle == file;
  findings.problem("client.token",
                   user.name + " may not " + (*obstacle == file ? "read " : "enter ") +
                       shell_word(*obstacle) + ", and so sends no events: it has no token",
                   can_be_given ? "chown " + shell_word(user.name) + ' ' + shell_word(file) +
                                      " && chmod 600 " + shell_word(file)
                                : fix_of(examined, user));
}

}  // namespace picortex
