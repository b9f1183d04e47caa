#include "handlers/http/middleware/trusted_proxies.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(trusted_proxies)

namespace {

// The client that connects by 10.0.0.1, with 10.0.0.0/8 and ::1 trusted.
std::string client_of(std::vector<std::string_view> forwarded_for) {
  const auto proxies = TrustedProxies::parse("10.0.0.0/8, ::1").value();
  return proxies.client_of(*ClientAddress::parse("10.0.0.1"), forwarded_for).text();
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_trust_the_peer_is_the_client) {
  const std::vector<std::string_view> header{"192.0.2.1"};
  const auto peer = *ClientAddress::parse("203.0.113.9");
  BOOST_TEST(TrustedProxies().client_of(peer, header).text() == "203.0.113.9");
  BOOST_TEST(TrustedProxies::parse("10.0.0.0/8")->client_of(peer, header).text() == "203.0.113.9");
  const auto local = ClientAddress::unix_peer(33);
  BOOST_TEST(TrustedProxies::parse("0.0.0.0/0")->client_of(local, header).text() == "unix:33");
}

BOOST_AUTO_TEST_CASE(the_rightmost_address_that_is_not_trusted_is_the_client) {
  BOOST_TEST(client_of({}) == "10.0.0.1");
  BOOST_TEST(client_of({"192.0.2.1"}) == "192.0.2.1");
  BOOST_TEST(client_of({"198.51.100.7, 192.0.2.1"}) == "192.0.2.1");
  BOOST_TEST(client_of({"192.0.2.1, 10.3.3.3,::1"}) == "192.0.2.1");
  BOOST_TEST(client_of({"198.51.100.7", "192.0.2.1", "10.9.9.9"}) == "192.0.2.1");
  BOOST_TEST(client_of({"10.7.7.7, 10.9.9.9"}) == "10.7.7.7");
}

BOOST_AUTO_TEST_CASE(junk_stops_the_walk_at_the_last_good_hop) {
  BOOST_TEST(client_of({"192.0.2.1, unknown"}) == "10.0.0.1");
  BOOST_TEST(client_of({"192.0.2.1, junk, 10.9.9.9"}) == "10.9.9.9");
  BOOST_TEST(client_of({"192.0.2.1:x"}) == "10.0.0.1");
  BOOST_TEST(client_of({"[::2"}) == "10.0.0.1");
  BOOST_TEST(client_of({"[::2]x"}) == "10.0.0.1");
}

BOOST_AUTO_TEST_CASE(ports_brackets_and_empty_elements_are_taken) {
  BOOST_TEST(client_of({"192.0.2.1:4711"}) == "192.0.2.1");
  BOOST_TEST(client_of({"[2001:db8::1]:4711"}) == "2001:db8::1");
  BOOST_TEST(client_of({"2001:db8::1"}) == "2001:db8::1");
  BOOST_TEST(client_of({" 192.0.2.1 ,, \t", ""}) == "192.0.2.1");
}

BOOST_AUTO_TEST_CASE(a_bad_entry_of_the_list_is_named) {
  BOOST_TEST(TrustedProxies::parse("10.0.0.0/8,nginx").error().what ==
             "\"nginx\" is neither an IP address nor a CIDR block");
  BOOST_TEST(TrustedProxies::parse("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
