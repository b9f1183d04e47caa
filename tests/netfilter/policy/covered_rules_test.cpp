#include "netfilter/policy/covered_rules.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(covered_rules)

namespace {

// "RULE<RULE" for each covered rule and the one that covers it.
std::string covered(std::string_view rules) {
  Allowlist list;
  BOOST_TEST(list.add(rules, RuleSource::list).empty(), rules);
  std::string text;
  for (const CoveredRule& one : find_covered_rules(list, 1'800'000'000'000)) {
    text += list.rules()[one.rule].text + '<' + list.rules()[one.by].text + ' ';
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_rule_is_covered_by_an_equal_or_wider_one) {
  BOOST_TEST(covered("a.test\nb.test\n") == "");
  BOOST_TEST(covered("a.test\na.test # again\n") == "a.test<a.test ");
  BOOST_TEST(covered("x.a.test\n*.a.test\n") == "x.a.test<*.a.test ");
  BOOST_TEST(covered("*.x.a.test\n*.a.test\n") == "*.x.a.test<*.a.test ");
  BOOST_TEST(covered("a.test\n*.a.test\n") == "");  // not the name itself
  BOOST_TEST(covered("192.0.2.0/24\n192.0.0.0/16\n192.0.2.7\n") ==
             "192.0.2.0/24<192.0.0.0/16 192.0.2.7<192.0.0.0/16 ");
}

BOOST_AUTO_TEST_CASE(a_budget_is_not_covered_and_covers_its_own_target_alone) {
  BOOST_TEST(covered("a.test upload=1M/1h\na.test\n") == "a.test<a.test upload=1M/1h ");
  BOOST_TEST(covered("x.a.test upload=1M/1h\n*.a.test\n") == "");
  BOOST_TEST(covered("x.a.test\n*.a.test upload=1M/1h\n") == "");
}

BOOST_AUTO_TEST_CASE(port_and_words_and_the_end_must_be_covered_too) {
  BOOST_TEST(covered("x.a.test:80\n*.a.test\n") == "");
  BOOST_TEST(covered("a.test private\na.test\n") == "a.test<a.test private ");
  BOOST_TEST(covered("a.test private\na.test dns-only\n") == "");
  BOOST_TEST(covered("a.test\na.test expires=2030-01-01T00:00:00Z\n") ==
             "a.test expires=2030-01-01T00:00:00Z<a.test ");
  BOOST_TEST(covered("a.test expires=2030-01-01T00:00:00Z\na.test\n") ==
             "a.test expires=2030-01-01T00:00:00Z<a.test ");
  BOOST_TEST(covered("a.test expires=2020-01-01T00:00:00Z\na.test\n") == "");  // it has ended
}

BOOST_AUTO_TEST_CASE(a_rule_for_the_internet_covers_no_address_that_it_leaves_out) {
  BOOST_TEST(covered("0.0.0.0/0\n127.0.0.1\n169.254.169.254\n93.184.216.34\n") ==
             "93.184.216.34<0.0.0.0/0 ");
  BOOST_TEST(covered("127.0.0.0/8\n127.0.0.1\n") == "127.0.0.1<127.0.0.0/8 ");
}

BOOST_AUTO_TEST_SUITE_END()
