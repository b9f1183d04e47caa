#include "daemon/config/listen_address.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(listen_address)

BOOST_AUTO_TEST_CASE(writes_what_it_read) {
  for (const char* text : {"127.0.0.1:8787", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:80",
                           "unix:/run/picortex.sock"}) {
    const auto address = ListenAddress::parse(text);
    BOOST_REQUIRE_MESSAGE(address.has_value(), text);
    BOOST_TEST(address->text() == text);
  }
  BOOST_TEST(ListenAddress::parse("localhost:80")->text() == "127.0.0.1:80");
}

BOOST_AUTO_TEST_CASE(knows_its_parts) {
  const auto ipv6 = ListenAddress::parse("[::1]:8787").value();
  BOOST_TEST(ipv6.family() == AF_INET6);
  BOOST_TEST(ipv6.port() == 8787);
  BOOST_TEST(ipv6.with_port(1).text() == "[::1]:1");
  const auto local = ListenAddress::parse("unix:/tmp/s").value();
  BOOST_TEST(local.family() == AF_UNIX);
  BOOST_TEST(local.path() == "/tmp/s");
  BOOST_TEST(local.port() == 0);
}

BOOST_AUTO_TEST_CASE(rejects_every_other_form) {
  const std::string long_path = "unix:/" + std::string(107, 'x');
  for (const std::string& text : {std::string(),
                                  std::string("8787"),
                                  std::string(":8787"),
                                  std::string("127.0.0.1"),
                                  std::string("127.0.0.1:"),
                                  std::string("127.0.0.1:65536"),
                                  std::string("127.0.0.1:-1"),
                                  std::string("127.0.0.1: 80"),
                                  std::string("example.com:80"),
                                  std::string("::1:80"),
                                  std::string("[::1]"),
                                  std::string("[]:80"),
                                  std::string("[127.0.0.1]:80"),
                                  std::string("[fe80::1%eth0]:80"),
                                  std::string("unix:"),
                                  std::string("unix:/"),
                                  std::string("unix:relative"),
                                  std::string("127.0.0.1\0:80", 13),
                                  std::string("unix:/a\0b", 9),
                                  long_path}) {
    BOOST_TEST(!ListenAddress::parse(text).has_value(), text);
  }
  BOOST_TEST(ListenAddress::parse(long_path.substr(0, 5 + 107)).has_value());
}

BOOST_AUTO_TEST_CASE(a_wildcard_is_reached_by_loopback) {
  BOOST_TEST(ListenAddress::parse("0.0.0.0:80")->reachable().text() == "127.0.0.1:80");
  BOOST_TEST(ListenAddress::parse("[::]:80")->reachable().text() == "[::1]:80");
  BOOST_TEST(ListenAddress::parse("10.0.0.1:80")->reachable().text() == "10.0.0.1:80");
  BOOST_TEST(ListenAddress::parse("unix:/s")->reachable().text() == "unix:/s");
}

BOOST_AUTO_TEST_SUITE_END()
