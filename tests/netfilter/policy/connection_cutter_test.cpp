#include "netfilter/policy/connection_cutter.h"

#include <boost/test/unit_test.hpp>

#include "base/time/timestamp.h"
#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

namespace {

using Decision = ConnectionCutter::Decision;

struct CutterFixture {
  static Allowlist list_of(std::string_view text) {
    Allowlist list;
    BOOST_REQUIRE(list.add(text, RuleSource::list).empty());
    return list;
  }
  Decision decide(const FlowKey& key, std::string_view before, std::string_view now,
                  std::int64_t then_ms = kNow) const {
    const Allowlist old_rules = list_of(before);
    const Allowlist new_rules = list_of(now);
    return cutter.decide(key, {old_rules, then_ms}, {new_rules, kNow});
  }
  static FlowKey key(const char* address, std::uint16_t port = 443) {
    return {*parse_ip_address("93.184.0.2"), *parse_ip_address(address), 40'000, port};
  }
  void allow(const FlowKey& key, const char* name) { allowed.add(key, *HostName::parse(name)); }

  ConnectionTable allowed;
  DnsCache addresses;
  ConnectionCutter cutter{allowed, addresses};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(connection_cutter, CutterFixture)

BOOST_AUTO_TEST_CASE(a_connection_stands_and_falls_with_its_own_name) {
  const FlowKey flow = key("93.184.216.34");
  allow(flow, "a.test");
  BOOST_TEST((decide(flow, "a.test\nb.test\n", "a.test\n") == Decision::keep));
  BOOST_TEST((decide(flow, "a.test\nb.test\n", "b.test\n") == Decision::cut));
  BOOST_TEST((decide(flow, "a.test\n", "a.test:80\n") == Decision::cut));
  BOOST_TEST((decide(flow, "a.test\n", "*.test\n") == Decision::keep));
}

BOOST_AUTO_TEST_CASE(a_private_address_needs_a_rule_that_permits_it) {
  const FlowKey flow = key("10.1.2.3");
  allow(flow, "a.test");
  BOOST_TEST((decide(flow, "a.test private\n", "a.test private\nb.test\n") == Decision::keep));
  BOOST_TEST((decide(flow, "a.test private\n", "a.test\n") == Decision::cut));
}

// After a restart nothing is allowed yet, but the answered addresses are known.
BOOST_AUTO_TEST_CASE(after_a_restart_only_what_the_removed_rule_allowed_is_cut) {
  addresses.learn(*parse_ip_address("93.184.216.34"), "a.test", 300, kNow);
  addresses.learn(*parse_ip_address("93.184.216.35"), "b.test", 300, kNow);
  constexpr std::string_view kBefore = "a.test\nb.test\n203.0.114.0/24:443\n";
  constexpr std::string_view kNowRules = "b.test\n203.0.114.0/24:443\n";
  BOOST_TEST((decide(key("93.184.216.34"), kBefore, kNowRules) == Decision::cut));
  BOOST_TEST((decide(key("93.184.216.35"), kBefore, kNowRules) == Decision::keep));
  BOOST_TEST((decide(key("203.0.114.7"), kBefore, kNowRules) == Decision::keep));
  BOOST_TEST((decide(key("203.0.114.7"), kBefore, "a.test\n") == Decision::cut));
}

BOOST_AUTO_TEST_CASE(a_connection_that_no_change_concerns_is_left_alone) {
  BOOST_TEST(
      (decide(key("93.184.216.99"), "a.test\nb.test\n", "b.test\n") == Decision::keep_unknown));
  BOOST_TEST((decide(key("127.0.0.1", 8080), "a.test\n", "b.test\n") == Decision::keep));
}

BOOST_AUTO_TEST_CASE(an_expiry_counts_from_when_rules_were_last_looked_at) {
  addresses.learn(*parse_ip_address("93.184.216.34"), "a.test", 300, kNow);
  const std::string rule = "a.test expires=" + iso_time(kNow - 500) + '\n';
  BOOST_TEST((decide(key("93.184.216.34"), rule, rule, kNow - 1000) == Decision::cut));
}

BOOST_AUTO_TEST_SUITE_END()
