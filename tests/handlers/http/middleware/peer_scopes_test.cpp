#include "handlers/http/middleware/peer_scopes.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/file_descriptor.h"

using namespace picortex;
using http::Peer;
using http::PeerScopes;
using http::Scope;
using http::Scopes;

BOOST_AUTO_TEST_SUITE(peer_scopes)

BOOST_AUTO_TEST_CASE(users_and_groups_are_named_or_numbered) {
  PeerScopes peers;
  BOOST_REQUIRE(peers.add("root:read"));
  BOOST_REQUIRE(peers.add("@root:write+telemetry"));
  BOOST_REQUIRE(peers.add("12345:admin"));
  Peer peer;
  BOOST_TEST(peers.of(peer).is_empty());
  peer.uid = 0;
  peer.primary_group = 99;
  BOOST_TEST(peers.of(peer).text() == "read");
  peer.groups[0] = 7;
  peer.groups[1] = 0;
  peer.group_count = 2;
  BOOST_TEST(peers.of(peer).text() == "read,write,telemetry");
  peer.uid = 12345;
  BOOST_TEST(peers.of(peer).text() == "write,telemetry,admin");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
  const std::pair<const char*, const char*> cases[] = {{"root", "no scope"},
                                                       {"", "no scope"},
                                                       {"root:", "none of"},
                                                       {"root:all", "none of"},
                                                       {"root:read+", "none of"},
                                                       {"no-such-user-here:read", "no such user"},
                                                       {"@no-such-group:read", "no such group"},
                                                       {":read", "no such user"},
                                                       {"@:read", "no such group"},
                                                       {"4294967295:read", "no such user"}};
  for (const auto& [entry, reason] : cases) {
    PeerScopes peers;
    const auto added = peers.add(entry);
    BOOST_REQUIRE_MESSAGE(!added, entry);
    BOOST_TEST(added.error().what.find(reason) != std::string::npos, added.error().what);
  }
}

BOOST_AUTO_TEST_CASE(the_kernel_says_who_the_peer_is) {
  int pair[2];
  BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const FileDescriptor ends[] = {FileDescriptor(pair[0]), FileDescriptor(pair[1])};
  const Peer peer = Peer::of_unix_socket(pair[0]);
  BOOST_TEST((peer.uid == geteuid()));
  BOOST_TEST(peer.is_in(getegid()));
  gid_t groups[Peer::kGroupsMax];
  const int count = getgroups(Peer::kGroupsMax, groups);
  BOOST_REQUIRE(count >= 0);
  for (int i = 0; i < count; ++i) BOOST_TEST(peer.is_in(groups[i]));
  BOOST_TEST(!peer.is_in(gid_t{987654321}));
}

BOOST_AUTO_TEST_SUITE_END()
