#include "netfilter/wire/host_name.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(host_name)

BOOST_AUTO_TEST_CASE(gives_every_spelling_one_form) {
  for (const char* text : {"github.com", "GitHub.COM", "github.com."}) {
    BOOST_TEST(HostName::parse(text).value().view() == "github.com");
  }
  BOOST_TEST(HostName::parse("xn--bcher-kva.example").has_value());
  BOOST_TEST(HostName::parse("_dmarc.example.com").has_value());
  BOOST_TEST(HostName::parse("1e100.net").has_value());
}

BOOST_AUTO_TEST_CASE(denies_what_is_no_host_name) {
  for (const std::string_view text : {"",
                                      ".",
                                      "..",
                                      "a..b",
                                      ".a",
                                      "a.com..",
                                      "-a.com",
                                      "a-.com",
                                      "a b",
                                      "a/b",
                                      "a:1",
                                      "a@b",
                                      "b\xc3\xbc"
                                      "cher.example",
                                      "1.2.3.4",
                                      "127.1",
                                      "0x7f.1",
                                      "a.0x",
                                      "2130706433",
                                      "*.a",
                                      "[::1]"}) {
    BOOST_TEST(!HostName::parse(text).has_value(), text);
  }
  BOOST_TEST(!HostName::parse(std::string_view("github.com\0.evil.test", 21)).has_value());
}

BOOST_AUTO_TEST_CASE(holds_labels_of_63_and_names_of_253_bytes) {
  const std::string label(63, 'a');
  BOOST_TEST(HostName::parse(label).has_value());
  BOOST_TEST(!HostName::parse(label + 'a').has_value());
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  BOOST_TEST(HostName::parse(longest).has_value());
  BOOST_TEST(HostName::parse(longest + '.').has_value());
  BOOST_TEST(!HostName::parse(longest + 'a').has_value());
}

BOOST_AUTO_TEST_SUITE_END()
