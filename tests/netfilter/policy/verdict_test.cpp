#include "netfilter/policy/verdict.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

namespace {

constexpr const char* kGlobal = "93.184.216.34";

IpAddress address_of(const char* text) { return parse_ip_address(text).value(); }

struct VerdictFixture {
  void allow(std::string_view rules) {
    BOOST_TEST(allowlist.add(rules, RuleSource::list).empty(), rules);
  }
  // The fenced user was given the address for the name.
  void resolve(const char* name, const char* address) {
    addresses.learn(address_of(address), name, 3600, kNow);
  }

  Verdict open(const char* address, std::uint16_t port = 443, std::uint8_t protocol = kProtocolTcp,
               PacketStatus status = PacketStatus::whole) const {
    Packet packet{};
    packet.protocol = protocol;
    packet.destination = address_of(address);
    packet.destination_port = port;
    return judge_opening(policy, status, packet, kNow);
  }
  Verdict show(const char* name, const char* address, std::uint16_t port = 443,
               bool upgrades = false, const char* agreed = nullptr) const {
    const HostName host = HostName::parse(name).value();
    const HostName opened = agreed == nullptr ? HostName{} : HostName::parse(agreed).value();
    return judge_name(
        policy, {.evidence = Evidence::sni, .host = host, .agreed = opened, .upgrades = upgrades},
        address_of(address), port, kNow);
  }
  bool may_be_answered(const char* name, const char* address) const {
    return may_answer(allowlist, HostName::parse(name).value(), address_of(address), kNow);
  }

  Allowlist allowlist;
  DnsCache addresses;
  EgressPolicy policy{allowlist, addresses};
};

void expect_denied(const Verdict& verdict, Reason reason) {
  BOOST_TEST(verdict.denied);
  BOOST_TEST(verdict.is_final);
  BOOST_TEST(static_cast<int>(verdict.action) == static_cast<int>(Action::reject));
  BOOST_TEST(reason_label(verdict.reason) == reason_label(reason));
  BOOST_TEST(!verdict.rule.has_value());
}

void expect(const Verdict& verdict, Action action, Evidence evidence) {
  BOOST_TEST(!verdict.denied);
  BOOST_TEST(static_cast<int>(verdict.action) == static_cast<int>(action));
  BOOST_TEST(verdict.is_final == (action == Action::allow));
  BOOST_TEST(evidence_label(verdict.evidence) == evidence_label(evidence));
  BOOST_TEST(verdict.rule.has_value());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(verdict, VerdictFixture)

BOOST_AUTO_TEST_CASE(a_broken_packet_and_another_protocol_are_denied_whatever_the_rules) {
  allow("93.184.216.34\n");
  expect_denied(open(kGlobal, 443, kProtocolTcp, PacketStatus::malformed), Reason::bad_packet);
  expect_denied(open(kGlobal, 443, 17), Reason::protocol);
  expect(open(kGlobal), Action::allow, Evidence::ip);
}

BOOST_AUTO_TEST_CASE(an_address_that_no_rule_and_no_name_knows_is_denied) {
  allow("example.com\n");
  expect_denied(open(kGlobal), Reason::address_unknown);
}

BOOST_AUTO_TEST_CASE(an_address_of_an_allowed_name_has_to_show_that_name) {
  allow("example.com\n");
  resolve("example.com", kGlobal);
  const Verdict verdict = open(kGlobal);
  expect(verdict, Action::pass, Evidence::dns);
  BOOST_TEST(reason_label(verdict.reason) == "undecided");
  BOOST_TEST(verdict.host.view() == "example.com");
}

BOOST_AUTO_TEST_CASE(an_address_of_names_that_no_rule_allows_is_denied_by_name) {
  allow("example.com\n");
  resolve("evil.test", kGlobal);
  const Verdict verdict = open(kGlobal);
  expect_denied(verdict, Reason::name_not_allowed);
  BOOST_TEST(verdict.host.view() == "evil.test");
}

BOOST_AUTO_TEST_CASE(a_port_that_the_rule_lacks_is_said_to_be_the_reason) {
  allow("example.com\n198.51.100.7\n");
  resolve("example.com", kGlobal);
  expect_denied(open(kGlobal, 22), Reason::port_not_listed);
  expect_denied(show("example.com", kGlobal, 22), Reason::port_not_listed);
  expect_denied(open("198.51.100.7", 22), Reason::port_not_listed);
}

BOOST_AUTO_TEST_CASE(of_several_names_one_that_is_allowed_is_enough_to_go_on) {
  allow("example.com\n");
  resolve("evil.test", kGlobal);
  resolve("example.com", kGlobal);
  resolve("other.test", kGlobal);
  const Verdict verdict = open(kGlobal);
  expect(verdict, Action::pass, Evidence::dns);
  BOOST_TEST(verdict.host.view() == "example.com");
}

BOOST_AUTO_TEST_CASE(a_rule_that_trusts_dns_needs_no_shown_name) {
  allow("ssh.example.com:22 dns-only\n");
  resolve("ssh.example.com", kGlobal);
  expect(open(kGlobal, 22), Action::allow, Evidence::dns);
}

BOOST_AUTO_TEST_CASE(the_shown_name_has_to_be_allowed_and_lead_to_the_address) {
  allow("example.com\n");
  resolve("example.com", kGlobal);
  expect(show("example.com", kGlobal), Action::allow, Evidence::sni);
  expect_denied(show("evil.test", kGlobal), Reason::name_not_allowed);
  expect_denied(show("example.com", "198.41.0.4"), Reason::dns_address_mismatch);
}

BOOST_AUTO_TEST_CASE(a_name_that_agreed_when_the_connection_was_opened_still_agrees) {
  allow("example.com\n");
  expect_denied(show("example.com", kGlobal), Reason::dns_address_mismatch);
  expect(show("example.com", kGlobal, 443, false, "example.com"), Action::allow, Evidence::sni);
  expect_denied(show("example.com", kGlobal, 443, false, "other.test"),
                Reason::dns_address_mismatch);
}

BOOST_AUTO_TEST_CASE(an_upgrade_needs_a_rule_that_allows_upgrades) {
  allow("example.com\nws.example.com upgrade\n");
  resolve("example.com", kGlobal);
  resolve("ws.example.com", kGlobal);
  expect_denied(show("example.com", kGlobal, 443, true), Reason::upgrade_not_allowed);
  expect(show("ws.example.com", kGlobal, 443, true), Action::allow, Evidence::sni);
}

BOOST_AUTO_TEST_CASE(a_name_leads_to_a_private_address_only_by_a_rule_that_says_so) {
  allow("example.com\nintranet.test private\n");
  for (const char* address : {"10.1.2.3", "100.64.0.1", "fd00::1"}) {
    resolve("example.com", address);
    expect_denied(open(address), Reason::name_not_allowed);
    BOOST_TEST(!may_be_answered("example.com", address), address);
    BOOST_TEST(may_be_answered("intranet.test", address), address);
  }
  resolve("intranet.test", "10.1.2.4");
  expect(open("10.1.2.4"), Action::pass, Evidence::dns);
  expect(show("intranet.test", "10.1.2.4"), Action::allow, Evidence::sni);
}

BOOST_AUTO_TEST_CASE(loopback_link_local_and_metadata_are_reached_by_their_address_alone) {
  allow("*.test private\n");
  for (const char* address : {"127.0.0.1", "169.254.10.10", "169.254.169.254", "::1"}) {
    resolve("a.test", address);
    expect_denied(open(address), Reason::address_unknown);
    BOOST_TEST(!may_be_answered("a.test", address), address);
  }
  allow("127.0.0.1\n");
  expect(open("127.0.0.1"), Action::allow, Evidence::ip);
}

BOOST_AUTO_TEST_CASE(an_address_that_hides_another_is_denied_whatever_the_rules) {
  allow("0.0.0.0/0\n[::/0]\n");
  for (const char* address : {"0.0.0.0", "224.0.0.1", "::ffff:93.184.216.34", "2002:5db8:d822::"}) {
    expect_denied(open(address), Reason::address_unknown);
    BOOST_TEST(!may_be_answered("example.com", address), address);
  }
}

BOOST_AUTO_TEST_CASE(every_reason_has_a_label_of_its_own) {
  std::set<std::string_view> labels;
  int count = 0;
  for (int i = 0; i <= static_cast<int>(Reason::untracked_flow); ++i, ++count) {
    labels.insert(reason_label(static_cast<Reason>(i)));
  }
  BOOST_TEST(labels.size() == static_cast<std::size_t>(count));
}

BOOST_AUTO_TEST_CASE(a_mode_is_read_from_its_label_and_from_nothing_else) {
  for (const EgressMode mode : {EgressMode::off, EgressMode::learn, EgressMode::enforce}) {
    BOOST_TEST((parse_mode(mode_label(mode)) == mode));
  }
  for (const char* text : {"", "on", "Enforce", "enforce ", "of"}) {
    BOOST_TEST(!parse_mode(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
