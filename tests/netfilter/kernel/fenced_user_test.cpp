#include "netfilter/kernel/fenced_user.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(fenced_user)

namespace {

using Ranges = std::vector<UidRange>;

const FencedUser kAgent{.name = "agent", .ranges = {{1001, 1001}}};

std::string shown(const Ranges& ranges) {
  std::string text;
  for (const UidRange& range : ranges) {
    text += std::to_string(range.first) + '-' + std::to_string(range.last) + ' ';
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_grant_is_found_by_name_and_by_uid) {
  const char* text = "agent:100000:65536\nother:200000:65536\n1001:300000:10\n";
  BOOST_TEST(shown(parse_subuid(text, "agent", 1001)) == "100000-165535 300000-300009 ");
  BOOST_TEST(shown(parse_subuid(text, "daemon", 1)) == "");
}

BOOST_AUTO_TEST_CASE(a_malformed_grant_grants_nothing) {
  for (const char* text :
       {"agent", "agent:", "agent:1", "agent:1:", "agent:1:0", "agent:-1:5", "agent:x:5",
        "agent:1:5x", "agent: 1:5", "agent:4294967295:1", "agent:4294967296:1", ":1:5"}) {
    BOOST_TEST(shown(parse_subuid(text, "agent", 1001)) == "", text);
  }
}

BOOST_AUTO_TEST_CASE(a_grant_ends_at_the_last_uid_there_is) {
  BOOST_TEST(shown(parse_subuid("agent:4294967290:100", "agent", 1001)) ==
             "4294967290-4294967294 ");
}

BOOST_AUTO_TEST_CASE(a_user_acts_under_its_own_uid_and_every_granted_one) {
  const FencedUser user{.name = "agent", .ranges = {{1001, 1001}, {100000, 165535}}};
  BOOST_TEST(user.uid() == 1001u);
  for (const std::uint32_t uid : {1001u, 100000u, 165535u}) BOOST_TEST(user.contains(uid), uid);
  for (const std::uint32_t uid : {0u, 1000u, 1002u, 99999u, 165536u}) {
    BOOST_TEST(!user.contains(uid), uid);
  }
}

BOOST_AUTO_TEST_CASE(renewing_keeps_the_uid_and_adds_what_the_files_grant_now) {
  const FencedUser renewed = renewed_user(
      kAgent, "root:x:0:0::/root:/bin/sh\nagent:x:1001:1001::/:\n", "agent:100000:10\n");
  BOOST_TEST(shown(renewed.ranges) == "1001-1001 100000-100009 ");
  BOOST_TEST(shown(renewed_user(renewed, "", "").ranges) == "1001-1001 ");
}

BOOST_AUTO_TEST_CASE(a_name_that_moved_to_another_uid_is_fenced_under_both) {
  const FencedUser renewed = renewed_user(kAgent, "agent:x:2002:2002::/:\n", "");
  BOOST_TEST(shown(renewed.ranges) == "1001-1001 2002-2002 ");
  BOOST_TEST(renewed.uid() == 1001u);
}

BOOST_AUTO_TEST_CASE(a_second_name_of_the_same_uid_brings_its_grants_along) {
  const FencedUser renewed = renewed_user(kAgent, "agent:x:1001:1001::/:\ntwin:x:1001:1001::/:\n",
                                          "twin:100000:10\nstranger:200000:10\nagent:100000:10\n");
  BOOST_TEST(shown(renewed.ranges) == "1001-1001 100000-100009 ");
}

BOOST_AUTO_TEST_CASE(a_user_that_must_not_be_fenced_is_rejected_with_the_reason) {
  const auto root = find_fenced_user("0");
  BOOST_REQUIRE(!root.has_value());
  BOOST_TEST(root.error().what.find("it is root") != std::string::npos, root.error().what);
  const auto missing = find_fenced_user("no-such-user-here");
  BOOST_REQUIRE(!missing.has_value());
  BOOST_TEST(missing.error().what.find("no-such-user-here") != std::string::npos);
  BOOST_TEST(!find_fenced_user(std::to_string(getuid())).has_value());
}

BOOST_AUTO_TEST_CASE(a_uid_without_a_name_can_be_fenced) {
  const auto user = find_fenced_user("4000000017");
  BOOST_REQUIRE(user.has_value());
  BOOST_TEST(user->name == "4000000017");
  BOOST_TEST(user->uid() == 4'000'000'017u);
}

BOOST_AUTO_TEST_CASE(text_that_can_be_no_users_name_is_rejected) {
  BOOST_TEST(parse_user("agent").value() == "agent");
  BOOST_TEST(parse_user("1001").value() == "1001");
  BOOST_TEST(parse_user(std::string(256, 'a')).has_value());
  BOOST_TEST(!parse_user(std::string(257, 'a')).has_value());
  for (const char* text : {"", "a b", "a:b", "a/b", "a\nb", "a\tb"}) {
    BOOST_TEST(!parse_user(text).has_value(), text);
  }
  BOOST_TEST(!parse_user(std::string_view("a\0b", 3)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
