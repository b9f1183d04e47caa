#include "handlers/access.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/http_fixture.h"

using namespace picortex;
using http::Access;

namespace {

struct AccessFixture {
  AccessFixture() : token(std::move(*Token::load_or_create(directory.path))) {
    bearer = "Bearer " + std::string(token.text());
    request.host = "picortex.test";
  }

  int check(Access wanted, std::optional<uid_t> peer = std::nullopt) const {
    const AccessControl access(test::HttpFixture::own_names(), token);
    return access.check(wanted, request, peer).status;
  }

  test::TemporaryDirectory directory;
  Token token;
  std::string bearer;
  http::Request request;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(access_control, AccessFixture)

BOOST_AUTO_TEST_CASE(what_anyone_may_call_is_never_refused) {
  request.host = "evil.example";
  request.fields = {{"Origin", "http://evil.example"}};
  BOOST_TEST(check(Access::anyone) == 0);
}

BOOST_AUTO_TEST_CASE(a_foreign_host_or_origin_is_refused) {
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

BOOST_AUTO_TEST_CASE(the_token_is_needed_and_must_be_right) {
  BOOST_TEST(check(Access::token) == 401);
  request.fields = {{"Authorization", bearer}};
  BOOST_TEST(check(Access::token) == 0);
  const std::string wrong = bearer + "x";
  request.fields = {{"Authorization", wrong}};
  BOOST_TEST(check(Access::token) == 401);
  request.fields = {{"Authorization", std::string_view(bearer).substr(0, bearer.size() - 1)}};
  BOOST_TEST(check(Access::token) == 401);
}

BOOST_AUTO_TEST_CASE(the_token_does_not_help_a_foreign_page) {
  request.fields = {{"Authorization", bearer}, {"Origin", "http://evil.example"}};
  BOOST_TEST(check(Access::token) == 403);
}

BOOST_AUTO_TEST_CASE(a_unix_peer_is_trusted_by_its_user) {
  request.host = "anything";
  BOOST_TEST(check(Access::token, uid_t{0}) == 0);
  BOOST_TEST(check(Access::token, geteuid()) == 0);
  BOOST_TEST(check(Access::token, geteuid() + 12345) == 401);
  BOOST_TEST(check(Access::own_names, geteuid() + 12345) == 0);
  request.fields = {{"Origin", "http://evil.example"}};
  BOOST_TEST(check(Access::token, uid_t{0}) == 403);
}

BOOST_AUTO_TEST_SUITE_END()
