#include "handlers/http/middleware/rate_limiter.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(rate_limiter)

namespace {

ClientKey key(std::string_view address) { return ClientKey(*ClientAddress::parse(address)); }

bool same(const ClientKey& a, const ClientKey& b) { return a.bytes() == b.bytes(); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_window_allows_its_limit_and_counts_down) {
  RateLimiter limiter(3);
  const auto client = key("192.0.2.1");
  for (std::uint32_t left : {2u, 1u, 0u}) {
    const auto decision = limiter.check(client, 1000);
    BOOST_TEST(decision.allowed);
    BOOST_TEST(decision.limit == 3u);
    BOOST_TEST(decision.remaining == left);
    BOOST_TEST(decision.reset_s == 60u);
  }
  const auto rejected = limiter.check(client, 1001);
  BOOST_TEST(!rejected.allowed);
  BOOST_TEST(rejected.remaining == 0u);
  BOOST_TEST(rejected.reset_s == 60u);
  BOOST_TEST(limiter.check(client, 60'999).reset_s == 1u);
  BOOST_TEST(!limiter.check(client, 60'999).allowed);
  const auto next_window = limiter.check(client, 61'000);
  BOOST_TEST(next_window.allowed);
  BOOST_TEST(next_window.remaining == 2u);
}

BOOST_AUTO_TEST_CASE(clients_do_not_share_a_window) {
  RateLimiter limiter(1);
  BOOST_TEST(limiter.check(key("192.0.2.1"), 0).allowed);
  BOOST_TEST(limiter.check(key("192.0.2.2"), 0).allowed);
  BOOST_TEST(!limiter.check(key("192.0.2.1"), 0).allowed);
}

BOOST_AUTO_TEST_CASE(zero_lifts_the_limit) {
  RateLimiter limiter(0);
  for (int i = 0; i < 1000; ++i) BOOST_TEST(limiter.check(key("192.0.2.1"), 0).allowed);
  BOOST_TEST(limiter.check(key("192.0.2.1"), 0).limit == 0u);
}

BOOST_AUTO_TEST_CASE(one_client_is_an_ipv4_address_an_ipv6_64_a_user_or_loopback) {
  BOOST_TEST(!same(key("192.0.2.1"), key("192.0.2.2")));
  BOOST_TEST(same(key("192.0.2.1"), key("::ffff:192.0.2.1")));
  BOOST_TEST(same(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9")));
  BOOST_TEST(!same(key("2001:db8:1:2::1"), key("2001:db8:1:3::1")));
  BOOST_TEST(same(key("127.0.0.1"), key("127.9.9.9")));
  BOOST_TEST(same(key("127.0.0.1"), key("::1")));
  BOOST_TEST(!same(key("127.0.0.1"), key("::2")));
  const ClientKey user(ClientAddress::unix_peer(1000));
  BOOST_TEST(same(user, ClientKey(ClientAddress::unix_peer(1000))));
  BOOST_TEST(!same(user, ClientKey(ClientAddress::unix_peer(1001))));
  BOOST_TEST(!same(user, key("0.0.3.232")));
}

BOOST_AUTO_TEST_CASE(a_flood_of_clients_takes_the_oldest_windows_first) {
  RateLimiter limiter(1);
  const auto flood = [&](std::uint8_t net, std::int64_t now_ms) {
    for (int i = 0; i < 65'536; ++i) {
      const std::array<std::uint8_t, 4> bytes{10, net, static_cast<std::uint8_t>(i >> 8),
                                              static_cast<std::uint8_t>(i & 255)};
      limiter.check(ClientKey(ClientAddress(IpAddress::of_bytes(bytes))), now_ms);
    }
  };
  flood(1, 0);
  BOOST_TEST(limiter.check(key("192.0.2.1"), 10).allowed);
  BOOST_TEST(!limiter.check(key("192.0.2.1"), 11).allowed);
  flood(2, 20);
  BOOST_TEST(limiter.check(key("192.0.2.1"), 30).allowed);  // forgotten, for its window was older
}

BOOST_AUTO_TEST_SUITE_END()
