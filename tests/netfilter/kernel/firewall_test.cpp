#include "netfilter/kernel/firewall.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(firewall)

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

  differences = compare_firewall(whole + "*filter\n-A PICORTEX-EGRESS -j ACCEPT\nCOMMIT\n", chains);
  BOOST_REQUIRE(differences.size() == 1);
  BOOST_TEST(differences[0] == "filter: not of the fence: -A PICORTEX-EGRESS -j ACCEPT");

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

BOOST_AUTO_TEST_CASE(rules_that_overwrite_the_fences_marks_are_named) {
  const auto chains = firewall_chains(plan(), false);
  const auto behind_the_jump = [&](const std::string& rule) {
    std::string text = saved(chains);
    const std::string_view jump = "-A OUTPUT -j PICORTEX-QUEUE\n";
    text.insert(text.find(jump) + jump.size(), rule + "\n");
    return compare_firewall(text, chains);
  };
  for (const std::string rule :
       {"-A OUTPUT -p udp -j MARK --set-xmark 0x1/0xffffffff",
        "-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff"}) {
    const auto differences = behind_the_jump(rule);
    BOOST_REQUIRE(differences.size() == 1);
    BOOST_TEST(differences[0] == "mangle: overwrites the fence's marks: " + rule);
  }
  for (const std::string rule :
       {"-A OUTPUT -j MARK --set-xmark 0x80000/0xff0000",
        "-A OUTPUT -j CONNMARK --save-mark --nfmask 0xff0000 --ctmask 0xff0000",
        "-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xff0000 --ctmask 0xff0000"}) {
    BOOST_TEST(behind_the_jump(rule).empty());
  }
}

BOOST_AUTO_TEST_CASE(budgets_cost_rules_and_a_bit_of_the_marks_only_where_there_are_any) {
  FirewallPlan with_budgets = plan();
  with_budgets.meters = true;
  const std::string foreign = "-A OUTPUT -j MARK --set-xmark 0x80000000/0x80000000";
  for (const bool v6 : {false, true}) {
    const auto without = firewall_chains(plan(), v6);
    const auto with = firewall_chains(with_budgets, v6);
    BOOST_TEST(!has_rule(without, "0x80000000"));
    BOOST_TEST(!has_rule(without, "0x8f000000"));
    BOOST_TEST(!compare_firewall(saved(without), with).empty());
    for (const auto& [chains, differences] : {std::pair{&without, 0u}, std::pair{&with, 1u}}) {
      std::string text = saved(*chains);
      const std::string_view jump = "-A OUTPUT -j PICORTEX-QUEUE\n";
      text.insert(text.find(jump) + jump.size(), foreign + "\n");
      BOOST_TEST(compare_firewall(text, *chains).size() == differences);
    }
  }
}

BOOST_AUTO_TEST_CASE(chains_of_earlier_versions_are_named) {
  const auto chains = firewall_chains(plan(), true);
  const auto differences =
      compare_firewall(saved(chains) + "*filter\n:PICORTEX-USER - [0:0]\nCOMMIT\n", chains);
  BOOST_REQUIRE(differences.size() == 1);
  BOOST_TEST(differences[0] == "filter: the chain PICORTEX-USER is an earlier version's");
}

BOOST_AUTO_TEST_CASE(every_range_of_the_user_is_fenced_in_every_table) {
  for (const bool v6 : {false, true}) {
    const auto chains = firewall_chains(plan(), v6);
    for (const char* uids : {"1001", "100000-165535"}) {
      BOOST_TEST(has_rule(chains, "-A PICORTEX-QUEUE -m owner --uid-owner " + std::string(uids) +
                                      " -g PICORTEX-QUEUE-USER"));
    }
    for (const char* protocol : {"udp", "tcp"}) {
      BOOST_TEST(has_rule(chains, "-A PICORTEX-DNS -p " + std::string(protocol) + " -m " +
                                      protocol +
                                      " --dport 53 -m owner --uid-owner 100000-165535 "
                                      "-m hashlimit --hashlimit-upto 300/sec"));
    }
    BOOST_TEST(has_rule(chains,
                        "-p udp -m udp --dport 53 -m owner --uid-owner 100000-165535 "
                        "-j PICORTEX-DNS-ASKED"));
  }
}

// The kernel keeps a redirection for its source port, and the port may be another user's next.
BOOST_AUTO_TEST_CASE(the_users_questions_are_tracked_apart_and_direct_ones_not_at_all) {
  for (const bool v6 : {false, true}) {
    const auto chains = firewall_chains(plan(), v6);
    BOOST_TEST(has_rule(chains, "-A PICORTEX-DNS-ASKED -j CT --zone-orig 8787"));
    BOOST_TEST(has_rule(chains, "-A PICORTEX-DNS-DIRECT -j CT --notrack"));
    BOOST_TEST(has_rule(chains, v6 ? "-A PICORTEX-DNS-DIRECT ! -s ::1/128 -j DROP"
                                   : "-A PICORTEX-DNS-DIRECT ! -s 127.0.0.1/32 -j DROP"));
    BOOST_TEST(
        has_rule(chains, "--sport 8753 -m mark --mark 0x20000000/0x30000000 -j CT --notrack"));
    // The fence's own mark must not be taken for one of these, nor the reverse.
    BOOST_TEST((kDnsMarkMask & kMarkMask) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_open_in_its_own_family_only) {
  const std::string_view rule =
      "-d 127.0.0.1/32 -o lo -p tcp -m tcp --dport 8787 -g PICORTEX-PERMIT";
  BOOST_TEST(has_rule(firewall_chains(plan(), false), rule));
  BOOST_TEST(!has_rule(firewall_chains(plan(), true), "--dport 8787"));
}

BOOST_AUTO_TEST_CASE(a_user_is_renewed_from_what_the_files_say_now) {
  const FencedUser user{.name = "chat-user", .ranges = {{1001, 1001}, {100000, 165535}}};
  const auto ranges = [&user](std::string_view passwd, std::string_view subuid) {
    return renewed_user(user, passwd, subuid).ranges;
  };
  using Ranges = std::vector<UidRange>;
  constexpr std::string_view kPasswd = "root:x:0:0::/:/bin/sh\nchat-user:x:1001:1001::/:/bin/sh\n";
  BOOST_TEST((ranges(kPasswd, "") == Ranges{{1001, 1001}}));
  BOOST_TEST((ranges(kPasswd, "chat-user:100000:65536\n1001:300000:10\n") ==
              Ranges{{1001, 1001}, {100000, 165535}, {300000, 300009}}));
  // A second name of the UID has grants of its own; another user's do not count.
  BOOST_TEST(
      (ranges("chat-user:x:1001:\nalias:x:1001:\nother:x:1002:\n",
              "alias:400000:1\nother:500000:1\n") == Ranges{{1001, 1001}, {400000, 400000}}));
  // The name has moved to another UID: both are fenced.
  BOOST_TEST((ranges("chat-user:x:1005:\n", "") == Ranges{{1001, 1001}, {1005, 1005}}));
  for (const char* bad : {"chat-user", "chat-user:x", "chat-user:x:-1:", "chat-user:x:4294967295:",
                          ":::", "\n\n", "chat-user:x:99999999999:"}) {
    BOOST_TEST((ranges(bad, "") == Ranges{{1001, 1001}}), bad);
  }
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
