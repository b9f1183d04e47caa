#include "cli/doctor/packet_filter.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(doctor_packet_filter)

BOOST_AUTO_TEST_CASE(rules_of_output_are_read_and_their_program_is_named) {
  const auto rules = parse_output_rules(
      "*filter\n:OUTPUT ACCEPT [0:0]\n:PICORTEX-EGRESS - [0:0]\n-A OUTPUT -j ufw-before-output\r\n"
      "-A OUTPUT -j PICORTEX-EGRESS\n-A INPUT -j DOCKER\nCOMMIT\n");
  BOOST_TEST(rules.has_fence);
  BOOST_REQUIRE_EQUAL(rules.output.size(), 2);
  BOOST_TEST(name_owner(rules) == "ufw");
  BOOST_TEST(name_owner(parse_output_rules("-A OUTPUT -p tcp -j ACCEPT\n")).empty());
  BOOST_TEST(!parse_output_rules("").has_fence);
}

BOOST_AUTO_TEST_CASE(chains_of_nftables_that_mark_what_leaves_are_found) {
  const auto chains = find_marking_chains(R"(
table ip mangle {
  chain OUTPUT { # of iptables
    type route hook output priority mangle; policy accept;
    meta mark set 0x1
  }
}
table inet vpn {
  chain in {
    type filter hook input priority filter; policy accept;
    meta mark set 0x2
  }
  chain out {
    type route hook output priority mangle; policy accept;
    oifname "wg0" meta mark set 0x00000003
    accept
  }
}
)");
  BOOST_REQUIRE_EQUAL(chains.size(), 1);
  BOOST_TEST(chains[0].table == "inet vpn");
  BOOST_TEST(chains[0].name == "out");
  BOOST_TEST(chains[0].rule == "oifname \"wg0\" meta mark set 0x00000003");
}

BOOST_AUTO_TEST_CASE(a_bound_queue_is_found_by_its_number) {
  const std::string queues =
      "    1  31621     0 2 65531     0     0        0  1\n 8787   2200     0 2 65531     0     0  "
      "      5  1\n";
  BOOST_TEST(has_queue(queues, 8787));
  BOOST_TEST(has_queue(queues, 1));
  BOOST_TEST(!has_queue(queues, 878));
  BOOST_TEST(!has_queue("", 8787));
}

BOOST_AUTO_TEST_SUITE_END()
