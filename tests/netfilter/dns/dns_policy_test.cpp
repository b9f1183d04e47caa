#include "netfilter/dns/dns_policy.h"

#include <vector>

#include "netfilter/kernel/firewall_rules.h"
#include "netfilter/wire/packet.h"
#include "tests/netfilter/loopback.h"
#include "tests/support/loop_fixture.h"

using namespace picortex;

namespace {

struct Observer final : EgressObserver {
  void on_verdict(const EgressEvent& event) noexcept override {
    reported += std::string(event.host) + ' ' + std::string(reason_label(event.verdict.reason)) +
                (event.verdict.action == Action::reject ? "; " : " (learned); ");
  }
  void on_rules(const Allowlist&) noexcept override {}
  // What was reported since the last call.
  std::string take() { return std::exchange(reported, {}); }
  std::string reported;
};

struct PolicyFixture : LoopFixture {
  PolicyFixture() {
    allowlist->add("good.test\n*.wild.test\nssh.test:22\nlan.good.test private\n",
                   RuleSource::list);
    policy = make(EgressMode::enforce);
  }
  std::unique_ptr<DnsPolicy> make(EgressMode mode) {
    auto made = std::make_unique<DnsPolicy>(*reactor, observer, mode, user, allowlist, addresses);
    made->set_local_names(LocalNames("box.corp.example", {"corp.example", "svc.local"}));
    return made;
  }
  NameRuling rule_on(std::string_view name, std::uint16_t type = kDnsTypeA) {
    return policy->rule_on(asker, HostName::parse(name).value(), type);
  }
  bool is(NameRuling ruling, std::string_view name, std::uint16_t type = kDnsTypeA) {
    return rule_on(name, type) == ruling;
  }

  FencedUser user{"fenced", {{1001, 1001}}};
  std::unique_ptr<Allowlist> allowlist = std::make_unique<Allowlist>();
  DnsCache addresses;
  Observer observer;
  DnsAsker asker{.source = *parse_ip_address("127.0.0.1"), .protocol = kProtocolUdp};
  std::unique_ptr<DnsPolicy> policy;
};

constexpr std::uint16_t kSrv = 33;
constexpr std::uint16_t kPtr = 12;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(dns_policy, PolicyFixture)

BOOST_AUTO_TEST_CASE(allowed_names_resolve_and_others_are_reported) {
  for (const char* name : {"good.test", "a.wild.test", "ssh.test"}) {
    BOOST_TEST(is(NameRuling::resolve, name));
    BOOST_TEST(is(NameRuling::no_data, name, kSrv));
  }
  BOOST_TEST(observer.take() == "");
  BOOST_TEST(is(NameRuling::blocked, "evil.test"));
  BOOST_TEST(is(NameRuling::blocked, "wild.test", kSrv));
  BOOST_TEST(observer.take() == "evil.test name_not_allowed; wild.test name_not_allowed; ");
  BOOST_TEST((policy->rule_on(asker, {}, kDnsTypeA) == NameRuling::blocked));
  BOOST_TEST(observer.take() == " name_not_allowed; ");
}

BOOST_AUTO_TEST_CASE(what_resolvers_make_up_of_allowed_names_raises_no_alarm) {
  BOOST_TEST(is(NameRuling::no_data, "_http._tcp.good.test", kSrv));
  BOOST_TEST(is(NameRuling::no_data, "_https._tcp.a.wild.test", kSrv));
  for (const char* name : {"good.test.corp.example", "good.test.svc.local", "a.wild.test.svc.local",
                           "_http._tcp.good.test.corp.example", "box", "box.corp.example",
                           "box.svc.local", "localhost", "localhost.corp.example"}) {
    BOOST_TEST(is(NameRuling::name_error, name), name);
  }
  BOOST_TEST(observer.take() == "");
}

BOOST_AUTO_TEST_CASE(what_only_looks_like_it_is_reported) {
  for (const char* name : {"_http._tcp.evil.test", "evil.test.corp.example", "git.corp.example",
                           "good.test.evil.example", "secret.good.test.corp.example",
                           "box.evil.example", "data._http._tcp.good.test"}) {
    BOOST_TEST(is(NameRuling::blocked, name), name);
    BOOST_TEST(observer.take() == std::string(name) + " name_not_allowed; ");
  }
}

BOOST_AUTO_TEST_CASE(the_name_of_an_answered_address_may_be_asked) {
  BOOST_TEST(is(NameRuling::blocked, "34.216.184.93.in-addr.arpa", kPtr));
  BOOST_TEST(observer.take() == "34.216.184.93.in-addr.arpa name_not_allowed; ");
  addresses.learn(*parse_ip_address("93.184.216.34"), "good.test", 60, reactor->unix_ms());
  BOOST_TEST(is(NameRuling::name_error, "34.216.184.93.in-addr.arpa", kPtr));
  BOOST_TEST(is(NameRuling::name_error, "1.0.0.127.in-addr.arpa", kPtr));
  BOOST_TEST(observer.take() == "");
}

BOOST_AUTO_TEST_CASE(reverse_names_are_read_strictly) {
  const auto text = [](std::string_view name) {
    const auto address = address_of_reverse_name(name);
    return address ? to_string(*address) : std::string();
  };
  BOOST_TEST(text("34.216.184.93.in-addr.arpa") == "93.184.216.34");
  BOOST_TEST(text("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa") ==
             "2001:db8::1");
  for (const char* bad :
       {"216.184.93.in-addr.arpa", "1.34.216.184.93.in-addr.arpa", "256.1.1.1.in-addr.arpa",
        "x.1.1.1.in-addr.arpa", "1.0.ip6.arpa", "in-addr.arpa", "a.test"}) {
    BOOST_TEST(text(bad) == "", bad);
  }
}

BOOST_AUTO_TEST_CASE(names_below_a_wildcard_carry_no_more_than_their_rate) {
  std::size_t sent = 0;
  for (int i = 0; i < 70'000; ++i) {
    std::string name =
        std::string(60, 'x') + '.' + std::string(60, 'y') + ".n" + std::to_string(i) + ".wild.test";
    if (rule_on(name) == NameRuling::resolve) sent += name.size();
  }
  BOOST_TEST(sent < 220'000u);
  BOOST_TEST(observer.take().starts_with("wild.test dns_rate_limited; "));
  BOOST_TEST(is(NameRuling::resolve, "good.test"));  // has a rule of its own
}

BOOST_AUTO_TEST_CASE(ten_thousand_names_of_ordinary_size_are_within_the_rate) {
  for (int i = 0; i < 10'000; ++i) {
    for (const std::uint16_t type : {kDnsTypeA, kDnsTypeAaaa}) {
      BOOST_REQUIRE(is(NameRuling::resolve, "n" + std::to_string(i) + ".wild.test", type));
    }
  }
}

BOOST_AUTO_TEST_CASE(learning_resolves_everything_and_reports_what_has_no_rule) {
  policy = make(EgressMode::learn);
  BOOST_TEST(is(NameRuling::resolve, "evil.test"));
  BOOST_TEST(observer.take() == "evil.test name_not_allowed (learned); ");
  BOOST_TEST(is(NameRuling::resolve, "good.test.corp.example"));
  BOOST_TEST(observer.take() == "");
}

BOOST_AUTO_TEST_CASE(a_rebinding_answer_is_withheld_and_an_allowed_one_taught) {
  const HostName good = HostName::parse("good.test").value();
  BOOST_TEST(!policy->allow_answer(asker, good, *parse_ip_address("127.0.0.1"), 60));
  BOOST_TEST(!policy->allow_answer(asker, good, *parse_ip_address("10.0.0.1"), 60));
  BOOST_TEST(observer.take() == "good.test dns_address_mismatch; good.test dns_address_mismatch; ");
  BOOST_TEST(policy->allow_answer(asker, good, *parse_ip_address("93.184.216.34"), 60));
  BOOST_TEST(addresses.size() == 1u);
}

BOOST_AUTO_TEST_CASE(only_the_users_own_questions_are_served) {
  BOOST_TEST(!policy->serves(asker));
  asker.mark = kMarkAllowed;
  BOOST_TEST(!policy->serves(asker));
  asker.mark = kDnsMarkAsked | kMarkAllowed;
  BOOST_TEST(policy->serves(asker));
  asker.mark = kDnsMarkDirect;
  BOOST_TEST(policy->serves(asker));
}

BOOST_AUTO_TEST_CASE(a_connections_owner_is_asked_of_the_kernel) {
  const LoopbackPair pair(AF_INET, SOCK_STREAM);
  asker = {.source = pair.ends.source,
           .source_port = pair.ends.source_port,
           .protocol = kProtocolTcp,
           .destination = pair.ends.destination,
           .destination_port = pair.ends.destination_port};
  BOOST_TEST(!policy->serves(asker));
  user.ranges.push_back({getuid(), getuid()});
  BOOST_TEST(policy->serves(asker));
  asker.source_port ^= 1;
  BOOST_TEST(!policy->serves(asker));
}

BOOST_AUTO_TEST_SUITE_END()
