#include "netfilter/dns/local_names.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(local_names)

BOOST_AUTO_TEST_CASE(the_last_search_or_domain_line_counts) {
  const auto parse = [](std::string_view text) {
    std::string result;
    for (const std::string& domain : LocalNames::parse_search(text)) result += domain + ' ';
    return result;
  };
  BOOST_TEST(parse("nameserver 1.1.1.1\nsearch Corp.Example. svc.cluster.local\n") ==
             "corp.example svc.cluster.local ");
  BOOST_TEST(parse("search a.test b.test\ndomain\tc.test d.test") == "c.test ");
  BOOST_TEST(parse("searching a.test\n#search b.test\nsearch\n") == "");
  BOOST_TEST(parse("search -bad- good.test . 1.2.3.4\n") == "good.test ");
  std::string many = "search";
  for (int i = 0; i < 100; ++i) many += " d" + std::to_string(i) + ".test";
  BOOST_TEST(LocalNames::parse_search(many).size() == LocalNames::kSearchMax);
}

BOOST_AUTO_TEST_CASE(the_machine_is_known_by_its_names) {
  const LocalNames names("box.corp.example", {"corp.example", "lan"});
  for (const char* name : {"box", "box.corp.example", "box.lan", "box.corp.example.lan",
                           "localhost", "a.localhost", "localhost.lan"}) {
    BOOST_TEST(names.is_this_machine(name), name);
  }
  for (const char* name : {"corp.example", "abox", "a.box", "box.example", "lan", "notlocalhost"}) {
    BOOST_TEST(!names.is_this_machine(name), name);
  }
  BOOST_TEST(!LocalNames("", {"lan"}).is_this_machine("lan"));
}

BOOST_AUTO_TEST_CASE(search_domains_are_cut_off_at_a_dot) {
  const LocalNames names("", {"corp.example", "example"});
  std::string seen;
  const auto visit = [&seen](std::string_view rest) {
    seen.append(rest).append(1, ' ');
    return false;
  };
  BOOST_TEST(!names.find_without_search_domain("a.test.corp.example", visit));
  BOOST_TEST(seen == "a.test a.test.corp ");
  seen.clear();
  names.find_without_search_domain("corp.example", visit);
  names.find_without_search_domain("evilcorp.example", visit);
  names.find_without_search_domain("example", visit);
  BOOST_TEST(seen == "corp evilcorp ");
}

BOOST_AUTO_TEST_CASE(a_service_belongs_to_the_host_after_its_labels) {
  BOOST_TEST(host_of_service("_http._tcp.deb.example") == "deb.example");
  BOOST_TEST(host_of_service("_dmarc.example") == "example");
  BOOST_TEST(host_of_service("_only._labels") == "");
  BOOST_TEST(host_of_service("a._tcp.example") == "");
}

BOOST_AUTO_TEST_SUITE_END()
