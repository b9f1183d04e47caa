#include "handlers/http/middleware/authority.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(authority)

namespace {

AllowedHosts listening_on(std::string_view address, std::string_view hosts = "") {
  AllowedHosts names;
  names.add_listener(*ClientAddress::parse(address), 8787);
  BOOST_REQUIRE(names.add_hosts(hosts).has_value());
  return names;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_loopback_listener_owns_the_names_of_loopback) {
  const auto names = listening_on("127.0.0.1");
  for (const auto host : {"localhost:8787", "LocalHost:8787", "localhost.:8787", "127.0.0.1:8787",
                          "[::1]:8787", "[0:0::1]:8787"}) {
    BOOST_TEST(names.accepts_host(host), host);
    BOOST_TEST(names.accepts_origin("http://" + std::string(host)), host);
    BOOST_TEST(!names.accepts_origin("https://" + std::string(host)), host);
  }
  for (const auto host : {"localhost", "localhost:8788", "127.0.0.1", "127.0.0.2:8787",
                          "example.com:8787", "localhost.example.com:8787", "192.0.2.1:8787",
                          "[::2]:8787", "127.1:8787", "2130706433:8787", ""}) {
    BOOST_TEST(!names.accepts_host(host), host);
    BOOST_TEST(!names.accepts_origin("http://" + std::string(host)), host);
  }
}

BOOST_AUTO_TEST_CASE(a_port_that_is_absent_is_80) {
  AllowedHosts names;
  names.add_listener(*ClientAddress::parse("127.0.0.1"), 80);
  for (const auto host : {"localhost", "localhost:", "127.0.0.1", "[::1]", "localhost:80"}) {
    BOOST_TEST(names.accepts_host(host), host);
    BOOST_TEST(names.accepts_origin("http://" + std::string(host)), host);
  }
  BOOST_TEST(!names.accepts_host("localhost:443"));
}

BOOST_AUTO_TEST_CASE(a_listener_on_one_address_owns_that_address) {
  const auto names = listening_on("192.0.2.1");
  BOOST_TEST(names.accepts_host("192.0.2.1:8787"));
  BOOST_TEST(names.accepts_host("[::ffff:192.0.2.1]:8787"));
  BOOST_TEST(names.accepts_host("localhost:8787"));
  BOOST_TEST(!names.accepts_host("127.0.0.1:8787"));
}

BOOST_AUTO_TEST_CASE(a_listener_on_all_addresses_owns_every_literal_but_no_name) {
  for (const auto address : {"0.0.0.0", "::"}) {
    const auto names = listening_on(address);
    BOOST_TEST(names.accepts_host("192.0.2.1:8787"));
    BOOST_TEST(names.accepts_host("[2001:db8::1]:8787"));
    BOOST_TEST(names.accepts_host("localhost:8787"));
    BOOST_TEST(!names.accepts_host("192.0.2.1:8788"));
    BOOST_TEST(!names.accepts_host("rebind.example:8787"));
  }
}

BOOST_AUTO_TEST_CASE(names_of_a_proxy_are_own_by_http_and_https) {
  const auto names = listening_on(
      "127.0.0.1", " obs.example.com, tls.example.com:443,192.0.2.7,[2001:db8::7]:8443");
  for (const auto host :
       {"obs.example.com", "OBS.Example.com.", "obs.example.com:9999", "tls.example.com",
        "tls.example.com:443", "192.0.2.7:1", "[2001:db8::7]:8443"}) {
    BOOST_TEST(names.accepts_host(host), host);
  }
  for (const auto host : {"example.com", "x.obs.example.com", "tls.example.com:444",
                          "[2001:db8::7]", "obs.example.com@evil.example"}) {
    BOOST_TEST(!names.accepts_host(host), host);
  }
  BOOST_TEST(names.accepts_origin("https://obs.example.com"));
  BOOST_TEST(names.accepts_origin("http://obs.example.com:8080"));
  BOOST_TEST(names.accepts_origin("https://tls.example.com"));
  BOOST_TEST(!names.accepts_origin("http://tls.example.com"));
  BOOST_TEST(names.accepts_origin("https://[2001:db8::7]:8443"));
}

BOOST_AUTO_TEST_CASE(what_is_no_origin_is_rejected) {
  const auto names = listening_on("127.0.0.1", "obs.example.com");
  for (const std::string_view origin :
       {"", "null", "obs.example.com", "//obs.example.com", "ftp://obs.example.com",
        "file://obs.example.com", "https:obs.example.com", "https://obs.example.com/",
        "https://obs.example.com/x", "https://user@obs.example.com", "https://obs.example.com#",
        "https://obs.example.com https://obs.example.com", "https://obs.example.com,null",
        "https://", "https://:443", "https://obs.example.com\\.evil",
        "https://obs.example.com:65536", "https://obs.example.com:8 ",
        "https://obs.example.com.evil.example"}) {
    BOOST_TEST(!names.accepts_origin(origin), origin);
  }
  BOOST_TEST(names.accepts_origin("HTTPS://obs.example.com"));
}

BOOST_AUTO_TEST_CASE(the_syntax_of_a_host_is_rfc_3986s) {
  for (const auto text :
       {"a", "a_b", "a%20b", "a:", "a:0", "[::]:1", "1.2.3.4", "a.b.", "x!$&'()*+,;="}) {
    BOOST_TEST(Authority::parse(text).has_value(), text);
  }
  for (const std::string_view text :
       {"",     ".",     ":80",     "a b",       "a/b",    "a@b",        "a%2",    "a%zz",
        "::1",  "[::1",  "[]",      "[1.2.3.4]", "[::1]x", "[::1%25lo]", "[v1.a]", "a:-1",
        "a:+1", "a:1:2", "a:65536", "ä",         "a\t",    "a?b",        "a#b",    "\"a\""}) {
    BOOST_TEST(!Authority::parse(text).has_value(), text);
  }
  BOOST_TEST(!Authority::parse(std::string_view("a\0", 2)).has_value());
}

BOOST_AUTO_TEST_CASE(a_bad_host_of_the_list_is_named) {
  AllowedHosts names;
  BOOST_TEST(
      names.add_hosts("good.example,http://bad.example").error().what ==
      "\"http://bad.example\" is no host: write name, name:port, an IPv4 address or [an IPv6 "
      "address]");
  BOOST_TEST(!names.add_hosts("::1").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
