#include "netfilter/firewall.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace picortex;

FirewallPlan plan() {
  return {.user = {"chat-user", {{1001, 1001}, {100000, 165535}}},
          .learns = false,
          .dns_port = 8753,
          .endpoints = {{*parse_ip_address("127.0.0.1"), 8787}}};
}

// What iptables-save prints of the chains when all is in place.
std::string saved(const std::vector<FirewallChain>& chains) {
  std::string text;
  std::string_view table;
  for (const FirewallChain& chain : chains) {
    if (chain.table != table) {
      if (!table.empty()) text += "COMMIT\n";
      table = chain.table;
      text += "*" + std::string(table) + "\n:OUTPUT ACCEPT [10:20]\n";
    }
    text += ":" + std::string(chain.name) + " - [0:0]\n";
    if (!chain.hook.empty()) {
      text += "-A " + std::string(chain.hook) + " -j " + std::string(chain.name) + "\n";
    }
    for (const std::string& rule : chain.rules) text += rule + "\n";
  }
  return text + "COMMIT\n";
}

std::string without(std::string text, std::string_view line) {
  const std::size_t at = text.find(line);
  BOOST_REQUIRE(at != text.npos);
  return text.erase(at, text.find('\n', at) + 1 - at);
}

bool has_rule(const std::vector<FirewallChain>& chains, std::string_view part) {
  for (const FirewallChain& chain : chains) {
    for (const std::string& rule : chain.rules) {
      if (rule.find(part) != rule.npos) return true;
    }
  }
  return false;
}

BOOST_AUTO_TEST_SUITE(firewall)

BOOST_AUTO_TEST_CASE(rules_in_place_differ_in_nothing) {
  for (const bool v6 : {false, true}) {
    const auto chains = firewall_chains(plan(), v6);
    BOOST_TEST(compare_firewall(saved(chains), chains).empty());
  }
}

BOOST_AUTO_TEST_CASE(nothing_in_place_misses_every_chain) {
  const auto chains = firewall_chains(plan(), false);
  BOOST_TEST(compare_firewall("", chains).size() == chains.size());
}

BOOST_AUTO_TEST_CASE(a_lost_rule_a_foreign_rule_and_a_lost_jump_are_each_named) {
  const auto chains = firewall_chains(plan(), false);
  const std::string whole = saved(chains);
  const std::string rule = "-A PICORTEX-REFUSE -p tcp -j REJECT --reject-with tcp-reset";
  auto differences = compare_firewall(without(whole, rule), chains);
  BOOST_REQUIRE(differences.size() == 1);
  BOOST_TEST(differences[0] == "filter: missing: " + rule);

  differences = compare_firewall(whole + "*filter\n-A PICORTEX-USER -j ACCEPT\nCOMMIT\n", chains);
  BOOST_REQUIRE(differences.size() == 1);
  BOOST_TEST(differences[0] == "filter: not of the fence: -A PICORTEX-USER -j ACCEPT");

  differences = compare_firewall(without(whole, "-A OUTPUT -j PICORTEX-EGRESS"), chains);
  BOOST_REQUIRE(differences.size() == 1);
  BOOST_TEST(differences[0] == "filter: OUTPUT jumps to PICORTEX-EGRESS 0 times instead of once");
}

BOOST_AUTO_TEST_CASE(rules_ahead_of_the_jump_are_named) {
  const auto chains = firewall_chains(plan(), false);
  std::string text = saved(chains);
  const std::string_view jump = "-A OUTPUT -j PICORTEX-EGRESS";
  text.insert(text.find(jump), "-A OUTPUT -o lo -j ACCEPT\n");
  const auto differences = compare_firewall(text, chains);
  BOOST_REQUIRE(differences.size() == 1);
  BOOST_TEST(differences[0] == "filter: OUTPUT has rules ahead of its jump to PICORTEX-EGRESS");
}

BOOST_AUTO_TEST_CASE(every_range_of_the_user_is_fenced_in_every_table) {
  for (const bool v6 : {false, true}) {
    const auto chains = firewall_chains(plan(), v6);
    for (const char* chain : {"-A PICORTEX-QUEUE ", "-A PICORTEX-EGRESS "}) {
      BOOST_TEST(has_rule(chains, chain + std::string("-m owner --uid-owner 1001 -j")));
      BOOST_TEST(has_rule(chains, chain + std::string("-m owner --uid-owner 100000-165535 -j")));
    }
    for (const char* protocol : {"udp", "tcp"}) {
      BOOST_TEST(has_rule(chains, "-p " + std::string(protocol) + " -m " + protocol +
                                      " --dport 53 -m owner --uid-owner 100000-165535 "
                                      "-j REDIRECT --to-ports 8753"));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_open_in_its_own_family_only) {
  const std::string_view rule = "-d 127.0.0.1/32 -o lo -p tcp -m tcp --dport 8787 -j RETURN";
  BOOST_TEST(has_rule(firewall_chains(plan(), false), rule));
  BOOST_TEST(!has_rule(firewall_chains(plan(), true), "--dport 8787"));
}

BOOST_AUTO_TEST_CASE(subuid_grants_are_read_by_name_and_by_uid) {
  const std::string_view text =
      "other:1:5\nchat-user:100000:65536\n1001:300000:10\nchat-user:x:1\nchat-user:5:0\n"
      "chat-user:4294967290:100\nchat-user:7\n";
  const auto ranges = parse_subuid(text, "chat-user", 1001);
  BOOST_REQUIRE(ranges.size() == 3);
  BOOST_TEST((ranges[0] == UidRange{100000, 165535}));
  BOOST_TEST((ranges[1] == UidRange{300000, 300009}));
  BOOST_TEST((ranges[2] == UidRange{4294967290, 4294967294}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
