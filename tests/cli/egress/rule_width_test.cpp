#include "cli/egress/rule_width.h"

#include <boost/test/unit_test.hpp>

#include "cli/egress/look_alike.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(rule_width)

BOOST_AUTO_TEST_CASE(public_suffixes_and_large_networks_are_wide) {
  for (const char* wide : {"*.com", "*.co.uk", "*.CO.UK:80", "*.github.io", "*.uk", "*.test",
                           "*.com dns-only", "0.0.0.0/0:443", "0.0.0.0/1:80", "128.0.0.0/1",
                           "93.0.0.0/8:443", "[::/0]:443", "[2000::/3]:443", "[2600::/16]:22"}) {
    BOOST_TEST(!width_warning(wide).empty(), wide);
  }
}

BOOST_AUTO_TEST_CASE(ordinary_rules_are_not) {
  for (const char* narrow :
       {"github.com", "com", "*.github.com", "*.example.co.uk", "93.184.216.34",
        "93.184.0.0/16:443", "10.0.0.0/8:22", "127.0.0.0/8:80", "[2606:2800::/32]:443",
        "[fc00::/7]:443", "not a rule", ""}) {
    BOOST_TEST(width_warning(narrow).empty(), narrow);
  }
}

BOOST_AUTO_TEST_CASE(names_that_could_be_mistaken_for_a_trusted_one_are_found) {
  const std::vector<std::string> trusted{"github.com", "registry.npmjs.org", "a.io"};
  for (const char* name : {"githubb.com", "gihtub.com", "githu.com", "g1thub.com", "github.c0m",
                           "github.com.evil.test", "github.com-login.test", "xgithub.com"}) {
    BOOST_TEST(resembled(name, trusted) == "github.com", name);
  }
  BOOST_TEST(resembled("registry.nprnjs.org", trusted) == "registry.npmjs.org");
  for (const char* name : {"github.com", "api.github.com", "gitlab.com", "pypi.org", "b.io", ""}) {
    BOOST_TEST(resembled(name, trusted) == "", name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
