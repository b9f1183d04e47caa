#include "handlers/http/middleware/peer_scopes.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "base/parse.h"

namespace picortex::http {
namespace {

std::optional<id_t> number_of(std::string_view text) noexcept {
  // The kernel takes -1 for "no change"; no user or group has that number.
  return parse_whole<id_t>(text, 0, id_t(-2));
}

std::optional<id_t> find_id(const std::string& name, bool is_group) {
  if (const auto number = number_of(name)) return number;
  if (is_group) {
    const group* entry = getgrnam(name.c_str());
    return entry == nullptr ? std::nullopt : std::optional<id_t>(entry->gr_gid);
  }
  const passwd* entry = getpwnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional<id_t>(entry->pw_uid);
}

}  // namespace

Peer Peer::of_unix_socket(int socket) noexcept {
  Peer peer;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return peer;
  peer.uid = credentials.uid;
  peer.primary_group = credentials.gid;
  size = sizeof peer.groups;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) == 0) {
    peer.group_count = size / sizeof(gid_t);
  }
  return peer;
}

bool Peer::is_in(gid_t group) const noexcept {
  const auto end = groups.begin() + static_cast<std::ptrdiff_t>(group_count);
  return group == primary_group || std::find(groups.begin(), end, group) != end;
}

Result<void> PeerScopes::add(std::string_view entry) {
  const std::size_t colon = entry.rfind(':');
  if (colon == entry.npos) return failure("it has no scope");
  const bool is_group = entry.starts_with('@');
  const std::string name(entry.substr(is_group, colon - is_group));
  std::string names(entry.substr(colon + 1));
  std::ranges::replace(names, '+', ',');
  const auto scopes = Scopes::parse(names);
  if (!scopes) {
    return failure("its scope is none of read, write, telemetry and admin, joined by + if several");
  }
  const auto id = find_id(name, is_group);
  if (!id) {
    return failure(std::string("this host has no such ") + (is_group ? "group" : "user"));
  }
  grants_.push_back({is_group, *id, *scopes});
  return {};
}

Scopes PeerScopes::of(const Peer& peer) const noexcept {
  Scopes scopes;
  if (!peer.uid) return scopes;
  for (const Grant& grant : grants_) {
    if (grant.is_group ? peer.is_in(grant.id) : *peer.uid == grant.id) scopes.add(grant.scopes);
  }
  return scopes;
}

}  // namespace picortex::http
