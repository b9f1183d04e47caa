#include "netfilter/policy/allowlist.h"

#include <boost/test/unit_test.hpp>

#include "base/time/timestamp.h"
#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(allowlist)

namespace {

// The text of the rule that permits it, "" when none does.
std::string permits(const Allowlist& list, std::string_view name, std::uint16_t port,
                    std::int64_t now_ms = kNow) {
  const auto rule = list.match({.name = name, .port = port}, now_ms);
  return rule ? list.rules()[*rule].text : "";
}

std::string permits_address(const Allowlist& list, const char* address, std::uint16_t port) {
  const auto rule = list.match(parse_ip_address(address).value(), port, kNow);
  return rule ? list.rules()[*rule].text : "";
}

Allowlist list_of(std::string_view text) {
  Allowlist list;
  BOOST_TEST(list.add(text, RuleSource::list).empty(), text);
  return list;
}

}  // namespace

BOOST_AUTO_TEST_CASE(permits_the_built_in_hosts_at_443_alone) {
  const Allowlist list = list_of(kBuiltInRules);
  BOOST_TEST(permits(list, "github.com", 443) == "github.com");
  BOOST_TEST(permits(list, "pypi.org", 443) == "pypi.org");
  BOOST_TEST(permits(list, "github.com", 22) == "");
  BOOST_TEST(permits(list, "github.com", 80) == "");
  BOOST_TEST(permits(list, "api.github.com", 443) == "");
}

BOOST_AUTO_TEST_CASE(falls_for_no_suffix_trick) {
  const Allowlist list = list_of("github.com\n*.example.com\n");
  for (const char* name : {"github.com.evil.test", "notgithub.com", "com", "example.com", "",
                           "badexample.com", "example.com.evil.test", "a.github.com"}) {
    BOOST_TEST(permits(list, name, 443) == "", name);
  }
  BOOST_TEST(permits(list, "a.example.com", 443) == "*.example.com");
  BOOST_TEST(permits(list, "a.b.c.example.com", 443) == "*.example.com");
}

BOOST_AUTO_TEST_CASE(finds_the_ports_of_all_rules_that_may_mean_a_name) {
  const Allowlist list =
      list_of("a.example.com\na.example.com:22\n*.example.com:80\n*.com:8443\nb.example.com:1\n");
  const auto ports = [&list](std::string_view name, std::size_t most) {
    std::vector<std::uint16_t> found;
    list.find_port(name, [&](std::uint16_t port) {
      found.push_back(port);
      return found.size() == most;
    });
    return found;
  };
  BOOST_TEST((ports("a.example.com", 9) == std::vector<std::uint16_t>{443, 22, 80, 8443}));
  BOOST_TEST((ports("a.example.com", 2) == std::vector<std::uint16_t>{443, 22}));
  BOOST_TEST((ports("example.com", 9) == std::vector<std::uint16_t>{8443}));
  BOOST_TEST(ports("example.org", 9).empty());
}

BOOST_AUTO_TEST_CASE(prefers_the_exact_name_and_the_longer_suffix) {
  const Allowlist list = list_of("*.example.com\n*.b.example.com\na.b.example.com\n");
  BOOST_TEST(permits(list, "a.b.example.com", 443) == "a.b.example.com");
  BOOST_TEST(permits(list, "x.b.example.com", 443) == "*.b.example.com");
  BOOST_TEST(permits(list, "x.example.com", 443) == "*.example.com");
}

BOOST_AUTO_TEST_CASE(reads_ports_comments_blanks_case_and_line_ends) {
  const Allowlist list = list_of(
      "# the owner's\r\n\r\n  Example.COM.:8443\t# why\r\nexample.com:80\n\t\nlast.example:1");
  BOOST_TEST(permits(list, "example.com", 8443) == "Example.COM.:8443");
  BOOST_TEST(permits(list, "example.com", 80) == "example.com:80");
  BOOST_TEST(permits(list, "example.com", 443) == "");
  BOOST_TEST(permits(list, "last.example", 1) == "last.example:1");
  BOOST_TEST(permits(list, "last.example", 0) == "last.example:1");
  BOOST_TEST(list.rules()[0].line == 3u);
}

BOOST_AUTO_TEST_CASE(permits_addresses_by_the_longest_prefix) {
  const Allowlist list = list_of(
      "10.0.0.0/8:5432\n10.1.0.0/16:5432\n127.0.0.1:5432\n192.0.2.7\n[2001:db8::/32]:8443\n"
      "[2001:db8::1]\n");
  BOOST_TEST(permits_address(list, "10.9.9.9", 5432) == "10.0.0.0/8:5432");
  BOOST_TEST(permits_address(list, "10.1.9.9", 5432) == "10.1.0.0/16:5432");
  BOOST_TEST(permits_address(list, "11.0.0.0", 5432) == "");
  BOOST_TEST(permits_address(list, "127.0.0.1", 5432) == "127.0.0.1:5432");
  BOOST_TEST(permits_address(list, "127.0.0.1", 5433) == "");
  BOOST_TEST(permits_address(list, "127.0.0.2", 5432) == "");
  BOOST_TEST(permits_address(list, "192.0.2.7", 443) == "192.0.2.7");
  BOOST_TEST(permits_address(list, "2001:db8:5::9", 8443) == "[2001:db8::/32]:8443");
  BOOST_TEST(permits_address(list, "2001:db8::1", 443) == "[2001:db8::1]");
  BOOST_TEST(permits_address(list, "::ffff:10.9.9.9", 5432) == "");
}

BOOST_AUTO_TEST_CASE(a_network_wider_than_loopback_and_metadata_addresses_does_not_include_them) {
  const Allowlist wide = list_of("0.0.0.0/0:80\n[::/0]:80\n126.0.0.0/7:80\n169.254.0.0/16:80\n");
  BOOST_TEST(permits_address(wide, "93.184.216.34", 80) != "");
  BOOST_TEST(permits_address(wide, "2001:db8::1", 80) != "");
  BOOST_TEST(permits_address(wide, "169.254.1.2", 80) == "169.254.0.0/16:80");
  for (const char* address : {"127.0.0.1", "127.255.0.9", "169.254.169.254", "168.63.129.16",
                              "100.100.100.200", "::1", "fe80::1", "fd00:ec2::254"}) {
    BOOST_TEST(permits_address(wide, address, 80) == "", address);
  }
  const Allowlist exact = list_of("127.0.0.0/8:80\n[::1]:80\n169.254.169.254:80\n[fe80::/10]:80\n");
  for (const char* address : {"127.0.0.1", "::1", "169.254.169.254", "fe80::1"}) {
    BOOST_TEST(permits_address(exact, address, 80) != "", address);
  }
}

BOOST_AUTO_TEST_CASE(reports_bad_lines_by_number_and_loads_the_rest) {
  const std::string_view bad[] = {"*",
                                  "*.",
                                  "a.*.com",
                                  "*.*.com",
                                  "http://github.com",
                                  "github.com/path",
                                  "github.com:0",
                                  "github.com:65536",
                                  "github.com:",
                                  "github.com:+1",
                                  "github.com:0443",
                                  "10.0.0.0/33",
                                  "10.0.0.1/8",
                                  "10.0.0.0/",
                                  "10.0.0/8",
                                  "2001:db8::1",
                                  "[2001:db8::1",
                                  "[10.0.0.1]",
                                  "[2001:db8::1]x",
                                  "[2001:db8::/129]",
                                  "[::ffff:10.0.0.1]",
                                  "-a.com",
                                  "127.1:80",
                                  "github.com privat",
                                  "10.0.0.0/8 private",
                                  "github.com expires=tomorrow",
                                  "b\xc3\xbc"
                                  "cher.example",
                                  std::string_view("git\0hub.com", 11)};
  for (const std::string_view line : bad) {
    Allowlist list;
    const std::string text = "first.example\n" + std::string(line) + "\nlast.example\n";
    const auto problems = list.add(text, RuleSource::list);
    BOOST_TEST_REQUIRE(problems.size() == 1u, line);
    BOOST_TEST(problems[0].line == 2u);
    BOOST_TEST(list.rules().size() == 2u);
    BOOST_TEST(permits(list, "last.example", 443) == "last.example");
  }
}

BOOST_AUTO_TEST_CASE(lets_temporary_rules_end_by_themselves) {
  Allowlist list;
  BOOST_TEST(list.add("a.example expires=2026-11-23T21:00:00Z", RuleSource::temporary).empty());
  const std::int64_t end = parse_iso_time("2026-11-23T21:00:00Z").value();
  BOOST_TEST(permits(list, "a.example", 443, end - 1) != "");
  BOOST_TEST(permits(list, "a.example", 443, end) == "");
}

BOOST_AUTO_TEST_CASE(an_expired_rule_hides_none_after_it) {
  const Allowlist list = list_of(
      "a.example.com expires=2000-01-01T00:00:00Z\na.example.com:443\n"
      "b.example.com expires=2000-01-01T00:00:00Z\n*.example.com\n");
  BOOST_TEST(permits(list, "a.example.com", 443) == "a.example.com:443");
  BOOST_TEST(permits(list, "b.example.com", 443) == "*.example.com");
}

BOOST_AUTO_TEST_CASE(knows_which_names_may_be_private_or_known_by_dns_alone) {
  const Allowlist list = list_of("nas.example private\ngit.example:22 dns-only\n*.lan private\n");
  const auto has = [&](Allowlist::NameNeed need) { return list.match(need, kNow).has_value(); };
  BOOST_TEST(has({.name = "nas.example", .is_private = true}));
  BOOST_TEST(has({.name = "x.lan", .is_private = true}));
  BOOST_TEST(!has({.name = "git.example", .is_private = true}));
  BOOST_TEST(has({.name = "git.example", .port = 22, .dns_only = true}));
  BOOST_TEST(!has({.name = "git.example", .port = 443, .dns_only = true}));
  BOOST_TEST(!has({.name = "nas.example", .dns_only = true}));
}

BOOST_AUTO_TEST_CASE(takes_no_more_than_its_bounds) {
  Allowlist list;
  BOOST_TEST(list.add(std::string(Allowlist::kTextSizeMax + 1, '\n'), RuleSource::list).size() ==
             1u);
  std::string bad;
  for (std::size_t i = 0; i < 2 * Allowlist::kProblemsMax; ++i) bad += "?\n";
  BOOST_TEST(list.add(bad, RuleSource::list).size() == Allowlist::kProblemsMax);
  std::string many;
  for (int i = 0; i < 80'000; ++i) many += "a" + std::to_string(i) + ".b\n";
  BOOST_TEST(list.add(many, RuleSource::list).empty());
  BOOST_TEST(list.add(many, RuleSource::list).size() == 1u);
  BOOST_TEST(list.rules().size() == Allowlist::kRulesMax);
  BOOST_TEST(permits(list, "a79999.b", 443) == "a79999.b");
}

BOOST_AUTO_TEST_CASE(the_operators_list_may_leave_out_a_built_in_host) {
  const std::string without = built_in_rules_beside("a.test\n!pypi.org # not here\n!a.test\n");
  BOOST_TEST(without.find("pypi.org") == std::string::npos);
  BOOST_TEST(without.size() == kBuiltInRules.size() - std::string_view("pypi.org\n").size());
  BOOST_TEST(built_in_rules_beside("!github.com\n!github.com\n!api.anthropic.com")
                 .find("raw.githubusercontent.com\n") != std::string::npos);
  BOOST_TEST(built_in_rules_beside("pypi.org\n!org\n! pypi.org\n") == kBuiltInRules);
  Allowlist list;
  BOOST_TEST(list.add("!pypi.org\na.test\n", RuleSource::list).empty());
  BOOST_TEST(list.rules().size() == 1u);
  BOOST_TEST(list.add("!b.test\n!pypi.org:443\n", RuleSource::list).size() == 2u);
  BOOST_TEST(list.add("!pypi.org\n", RuleSource::temporary).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
