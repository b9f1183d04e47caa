#include "handlers/http/middleware/access_control.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "handlers/http/middleware/chat_key.h"
#include "tests/support/http_fixture.h"

using namespace picortex;
using http::Access;
using http::Scope;
using http::Scopes;

namespace {

struct AccessFixture {
  AccessFixture()
      : token(std::move(*Token::load_or_create(directory.path))),
        access(test::HttpFixture::own_names(), token) {
    bearer = "Bearer " + std::string(token.text());
    request.host = "picortex.test";
  }

  AccessControl::Decision decide(Access wanted, std::optional<uid_t> uid = std::nullopt) const {
    http::Peer peer;
    peer.uid = uid;
    peer.primary_group = 4711;
    return access.check(wanted, request, peer);
  }
  int check(Access wanted, std::optional<uid_t> uid = std::nullopt) const {
    return decide(wanted, uid).rejection.status;
  }
  void authorize(const std::string& value) {
    authorization = value;
    request.fields = {{"Authorization", authorization}};
  }
  // Adds a token, and makes it the request's.
  void use_token(Scopes scopes) {
    const std::string secret = make_token_secret();
    auto tokens = access.tokens();
    tokens.push_back({"t" + std::to_string(tokens.size()), scopes, 0, digest_of(secret)});
    access.replace_tokens(std::move(tokens));
    authorize("Bearer " + secret);
  }

  test::TemporaryDirectory directory;
  Token token;
  AccessControl access;
  std::string bearer;
  std::string authorization;
  http::Request request;
};

constexpr Access kScoped[] = {Access::read, Access::write, Access::telemetry, Access::admin};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(access_control, AccessFixture)

BOOST_AUTO_TEST_CASE(what_anyone_may_call_is_never_rejected) {
  request.host = "evil.example";
  request.fields = {{"Origin", "http://evil.example"}};
  BOOST_TEST(check(Access::anyone) == 0);
}

BOOST_AUTO_TEST_CASE(a_foreign_host_or_origin_is_rejected) {
  BOOST_TEST(check(Access::own_names) == 0);
  request.fields = {{"Origin", "http://picortex.test"}};
  BOOST_TEST(check(Access::own_names) == 0);
  for (const char* origin : {"http://evil.example", "null", "http://picortex.test.evil.example"}) {
    request.fields = {{"oRIGIN", origin}};
    BOOST_TEST(check(Access::own_names) == 403, origin);
  }
  request.fields.clear();
  for (const char* host : {"evil.example", "", "picortex.test.evil.example"}) {
    request.host = host;
    BOOST_TEST(check(Access::own_names) == 403, host);
  }
}

BOOST_AUTO_TEST_CASE(an_own_host_may_be_called_from_any_origin) {
  request.fields = {{"Origin", "http://evil.example"}};
  BOOST_TEST(check(Access::own_host) == 0);
  for (const char* host : {"evil.example", "", "picortex.test.evil.example"}) {
    request.host = host;
    BOOST_TEST(check(Access::own_host) == 403, host);
  }
  BOOST_TEST(check(Access::own_host, geteuid() + 12345) == 0);
}

BOOST_AUTO_TEST_CASE(the_daemons_own_token_may_do_everything_and_must_be_right) {
  for (const Access wanted : kScoped) {
    request.fields.clear();
    BOOST_TEST(check(wanted) == 401);
    authorize(bearer);
    BOOST_TEST(check(wanted) == 0);
    BOOST_TEST((decide(wanted).scopes == Scopes{Scope::admin}));
    for (const std::string& wrong :
         {bearer + "x", bearer.substr(0, bearer.size() - 1), bearer.substr(7),
          std::string("Bearer "), "Basic " + bearer.substr(7), "Bearer " + std::string(300, 'x')}) {
      authorize(wrong);
      BOOST_TEST(check(wanted) == 401, wrong);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_token_does_not_help_a_foreign_page) {
  request.fields = {{"Authorization", bearer}, {"Origin", "http://evil.example"}};
  BOOST_TEST(check(Access::read) == 403);
}

BOOST_AUTO_TEST_CASE(a_named_token_may_do_what_its_scopes_say) {
  const struct {
    Scopes scopes;
    int read, write, telemetry, admin;
    bool claims;
  } cases[] = {{{Scope::read}, 0, 403, 403, 403, true},
               {{Scope::write}, 403, 0, 0, 403, false},
               {{Scope::telemetry}, 403, 403, 0, 403, true},
               {{Scope::read, Scope::telemetry}, 0, 403, 0, 403, true},
               {{Scope::admin}, 0, 0, 0, 0, false}};
  for (const auto& each : cases) {
    use_token(each.scopes);
    BOOST_TEST(check(Access::read) == each.read, each.scopes.text());
    BOOST_TEST(check(Access::write) == each.write, each.scopes.text());
    BOOST_TEST(check(Access::telemetry) == each.telemetry, each.scopes.text());
    BOOST_TEST(check(Access::admin) == each.admin, each.scopes.text());
    BOOST_TEST(each.scopes.are_claims() == each.claims, each.scopes.text());
    BOOST_TEST(check(Access::own_names) == 0);
  }
}

BOOST_AUTO_TEST_CASE(the_token_that_run_gives_to_an_agent_may_only_claim) {
  authorize("Bearer " + telemetry_token(token.text()));
  BOOST_TEST(check(Access::telemetry) == 0);
  BOOST_TEST((decide(Access::telemetry).scopes == Scopes{Scope::telemetry}));
  for (const Access wanted : {Access::read, Access::write, Access::admin}) {
    BOOST_TEST(check(wanted) == 403);
  }
  authorize("Bearer " + telemetry_token("another secret"));
  BOOST_TEST(check(Access::telemetry) == 401);
}

BOOST_AUTO_TEST_CASE(a_token_that_was_revoked_is_unknown) {
  use_token({Scope::read});
  BOOST_TEST(check(Access::read) == 0);
  access.replace_tokens({});
  BOOST_TEST(check(Access::read) == 401);
}

BOOST_AUTO_TEST_CASE(the_use_of_a_token_is_noted_once) {
  use_token({Scope::read});
  use_token({Scope::write});
  BOOST_TEST(access.take_uses() == 0u);
  BOOST_TEST(check(Access::write) == 0);
  BOOST_TEST(check(Access::read) == 403);  // it was used for all that
  BOOST_TEST(access.take_uses() == 2u);
  BOOST_TEST(access.take_uses() == 0u);
}

BOOST_AUTO_TEST_CASE(a_unix_peer_is_trusted_by_its_user) {
  request.host = "anything";
  BOOST_TEST(check(Access::admin, uid_t{0}) == 0);
  BOOST_TEST(check(Access::admin, geteuid()) == 0);
  BOOST_TEST(check(Access::read, geteuid() + 12345) == 401);
  BOOST_TEST(check(Access::own_names, geteuid() + 12345) == 0);
  request.fields = {{"Origin", "http://evil.example"}};
  BOOST_TEST(check(Access::read, uid_t{0}) == 403);
}

BOOST_AUTO_TEST_CASE(a_unix_peer_has_the_scopes_of_its_user_and_groups) {
  const uid_t other = geteuid() + 12345;
  http::PeerScopes peers;
  BOOST_REQUIRE(peers.add(std::to_string(other) + ":write"));
  BOOST_REQUIRE(peers.add("@4711:read"));
  access.replace_peers(peers);
  BOOST_TEST(check(Access::read, other) == 0);
  BOOST_TEST(check(Access::write, other) == 0);
  BOOST_TEST(check(Access::admin, other) == 403);
  BOOST_TEST(check(Access::read, other + 1) == 0);  // by its group
  BOOST_TEST(check(Access::write, other + 1) == 403);
  BOOST_TEST(check(Access::read) == 401);  // not over TCP
}

// A proxy that runs as root forwards what others may do, and no more.
BOOST_AUTO_TEST_CASE(a_known_token_of_a_unix_peer_decides_alone) {
  use_token({Scope::telemetry});
  BOOST_TEST(check(Access::telemetry, uid_t{0}) == 0);
  BOOST_TEST((decide(Access::telemetry, uid_t{0}).scopes == Scopes{Scope::telemetry}));
  BOOST_TEST(check(Access::read, uid_t{0}) == 403);
}

// Neither by its user nor by its groups: it would not learn that its token was revoked.
BOOST_AUTO_TEST_CASE(a_wrong_token_of_a_unix_peer_is_rejected) {
  const uid_t other = geteuid() + 12345;
  http::PeerScopes peers;
  BOOST_REQUIRE(peers.add(std::to_string(other) + ":read+write+telemetry+admin"));
  access.replace_peers(peers);
  for (const char* wrong : {"Bearer picortex_wrong", "Bearer", "Basic dXNlcjpwYXNz", ""}) {
    authorize(wrong);
    for (const uid_t peer : {uid_t{0}, geteuid(), other}) {
      for (const Access wanted : kScoped) BOOST_TEST(check(wanted, peer) == 401, wrong);
      BOOST_TEST(check(Access::any_scope, peer) == 401, wrong);
      BOOST_TEST(check(Access::own_names, peer) == 0, wrong);
    }
    const std::string_view reason = decide(Access::read, other).rejection.reason;
    BOOST_TEST(reason.starts_with("Unknown token: it is wrong, or was revoked or rotated."));
  }
  request.fields.clear();
  BOOST_TEST(check(Access::admin, other) == 0);
}

BOOST_AUTO_TEST_CASE(where_any_scope_will_do_what_came_with_the_request_is_passed_on) {
  BOOST_TEST(check(Access::any_scope) == 0);
  BOOST_TEST(decide(Access::any_scope).scopes.is_empty());
  BOOST_TEST(decide(Access::any_scope, geteuid() + 12345).scopes.is_empty());
  BOOST_TEST(decide(Access::any_scope, geteuid()).scopes.grant(Scope::admin));
  use_token({Scope::read});
  BOOST_TEST((decide(Access::any_scope).scopes == Scopes{Scope::read}));
  authorize("Bearer wrong");
  BOOST_TEST(check(Access::any_scope) == 401);
  authorize(bearer);
  request.fields.push_back({"Origin", "http://evil.example"});
  BOOST_TEST(check(Access::any_scope) == 403);
}

BOOST_AUTO_TEST_SUITE_END()
