#include "netfilter/dns/dns_lookup.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(dns_servers)

namespace {

using namespace picortex;

std::string servers(std::string_view text) {
  std::string result;
  for (const IpAddress& address : DnsServers::parse(text)) result += to_string(address) + ' ';
  return result;
}

BOOST_AUTO_TEST_CASE(nameserver_lines_count_and_others_do_not) {
  BOOST_TEST(servers("# nameserver 8.8.8.8\nsearch a.test\nnameserver 9.9.9.9\n"
                     "nameserver\t2620:fe::fe%eth0 comment\nnameservers 1.1.1.1\nnameserver\n") ==
             "9.9.9.9 2620:fe::fe ");
}

BOOST_AUTO_TEST_CASE(the_first_three_are_taken) {
  BOOST_TEST(servers("nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\n"
                     "nameserver 1.0.0.4") == "1.0.0.1 1.0.0.2 1.0.0.3 ");
}

BOOST_AUTO_TEST_CASE(without_any_the_host_itself_is_asked) {
  BOOST_TEST(servers("") == "127.0.0.1 ");
  BOOST_TEST(servers("nameserver nonsense\n") == "127.0.0.1 ");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
