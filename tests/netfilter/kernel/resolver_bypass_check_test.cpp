#include "netfilter/kernel/resolver_bypass_check.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(resolver_holes)

namespace {

using namespace picortex;

BOOST_AUTO_TEST_CASE(resolve_among_the_hosts_is_seen) {
  BOOST_TEST(asks_resolved("passwd: files\nhosts: mymachines resolve [!UNAVAIL=return] files\n"));
  BOOST_TEST(asks_resolved("  hosts:\tresolve"));
}

BOOST_AUTO_TEST_CASE(elsewhere_it_means_nothing) {
  BOOST_TEST(!asks_resolved(""));
  BOOST_TEST(!asks_resolved("hosts: files dns # resolve\n"));
  BOOST_TEST(!asks_resolved("#hosts: resolve\n"));
  BOOST_TEST(!asks_resolved("networks: resolve\nhosts: files resolver\n"));
}

BOOST_AUTO_TEST_CASE(yama_restricts_ptrace_from_1_on) {
  for (const char* restricted : {"1\n", "2\n", "3"}) BOOST_TEST(restricts_ptrace(restricted));
  for (const char* open : {"", "0\n", "x", "\n"}) BOOST_TEST(!restricts_ptrace(open), open);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
