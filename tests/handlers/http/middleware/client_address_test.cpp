#include "handlers/http/middleware/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <boost/test/unit_test.hpp>
#include <cstring>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(client_address)

namespace {

std::string normal_form(std::string_view text) {
  const auto address = ClientAddress::parse(text);
  return address ? address->text() : "none";
}

bool contains(std::string_view block, std::string_view address) {
  return Cidr::parse(block).value().contains(ClientAddress::parse(address).value());
}

}  // namespace

BOOST_AUTO_TEST_CASE(texts_are_read_and_written) {
  BOOST_TEST(normal_form("192.0.2.1") == "192.0.2.1");
  BOOST_TEST(normal_form("2001:DB8:0::1") == "2001:db8::1");
  BOOST_TEST(normal_form("::ffff:192.0.2.1") == "192.0.2.1");
  BOOST_TEST(ClientAddress::unix_peer(4'294'967'294).text() == "unix:4294967294");
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_rejected) {
  for (const std::string_view text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "127.1", "[::1]", "::1%lo",
        "1.2.3.4 ", " ::1", "1.2.3.4:80"}) {
    BOOST_TEST(normal_form(text) == "none", text);
  }
  BOOST_TEST(normal_form(std::string_view("1.2.3.4\0", 8)) == "none");
  BOOST_TEST(normal_form(std::string(1000, '1')) == "none");
}

BOOST_AUTO_TEST_CASE(socket_addresses_are_read) {
  sockaddr_storage storage{};
  BOOST_TEST(!ClientAddress::from_socket(storage).has_value());
  auto* in = reinterpret_cast<sockaddr_in*>(&storage);
  in->sin_family = AF_INET;
  in->sin_addr.s_addr = htonl(0xc0000201);
  BOOST_TEST(ClientAddress::from_socket(storage)->text() == "192.0.2.1");
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
  in6->sin6_family = AF_INET6;
  inet_pton(AF_INET6, "::ffff:192.0.2.2", &in6->sin6_addr);
  BOOST_TEST(ClientAddress::from_socket(storage)->text() == "192.0.2.2");
}

BOOST_AUTO_TEST_CASE(loopback_and_unspecified_are_known) {
  for (const auto text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    BOOST_TEST(ClientAddress::parse(text)->is_loopback(), text);
  }
  BOOST_TEST(!ClientAddress::parse("128.0.0.1")->is_loopback());
  BOOST_TEST(!ClientAddress::unix_peer(127u << 24).is_loopback());
  BOOST_TEST(ClientAddress::parse("0.0.0.0")->is_unspecified());
  BOOST_TEST(ClientAddress::parse("::")->is_unspecified());
  BOOST_TEST(!ClientAddress::unix_peer(0).is_unspecified());
}

BOOST_AUTO_TEST_CASE(blocks_match_by_their_prefix) {
  BOOST_TEST(contains("192.0.2.0/24", "192.0.2.255"));
  BOOST_TEST(!contains("192.0.2.0/24", "192.0.3.0"));
  BOOST_TEST(contains("192.0.2.77/25", "192.0.2.1"));
  BOOST_TEST(!contains("192.0.2.77/25", "192.0.2.128"));
  BOOST_TEST(contains("0.0.0.0/0", "8.8.8.8"));
  BOOST_TEST(!contains("0.0.0.0/0", "::1"));
  BOOST_TEST(contains("10.0.0.1", "10.0.0.1"));
  BOOST_TEST(!contains("10.0.0.1", "10.0.0.0"));
  BOOST_TEST(contains("2001:db8::/33", "2001:db8:7fff::"));
  BOOST_TEST(!contains("2001:db8::/33", "2001:db8:8000::"));
  BOOST_TEST(contains("::1/128", "::1"));
  BOOST_TEST(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
  BOOST_TEST(!Cidr::parse("0.0.0.0/0")->contains(ClientAddress::unix_peer(0)));
}

BOOST_AUTO_TEST_CASE(bad_blocks_are_named) {
  BOOST_TEST(Cidr::parse("proxy").error().what ==
             "\"proxy\" is neither an IP address nor a CIDR block");
  BOOST_TEST(Cidr::parse("10.0.0.0/33").error().what ==
             "\"10.0.0.0/33\": the prefix must be a number from 0 to 32");
  for (const auto text : {"", "/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129",
                          "::ffff:10.0.0.0/8", "10.0.0.0/8/8"}) {
    BOOST_TEST(!Cidr::parse(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
