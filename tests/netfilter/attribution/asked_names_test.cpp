#include "netfilter/attribution/asked_names.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(asked_names)

namespace {

HostName host(const std::string& name) { return HostName::parse(name).value(); }

}  // namespace

BOOST_AUTO_TEST_CASE(finds_the_one_name_that_a_process_asked_for) {
  AskedNames asked;
  const ProcessKey one{7, 100};
  asked.note(one, host("b.example"));
  asked.note(one, host("b.example"));
  asked.note({7, 200}, host("a.example"));  // the same number, another process
  BOOST_TEST(asked.find_only(one, "a.example, b.example") == "b.example");
  BOOST_TEST(asked.find_only({7, 200}, "a.example, b.example") == "a.example");
  BOOST_TEST(asked.find_only({8, 100}, "a.example, b.example").empty());
  asked.note(one, host("a.example"));
  BOOST_TEST(asked.find_only(one, "a.example, b.example").empty());
  BOOST_TEST(asked.find_only(one, "c.example, b.example") == "b.example");
}

BOOST_AUTO_TEST_CASE(takes_no_part_of_a_name_for_a_name) {
  AskedNames asked;
  const ProcessKey one{7, 100};
  asked.note(one, host("b.example"));
  BOOST_TEST(asked.find_only(one, "ab.example, b.example.com").empty());
  BOOST_TEST(asked.find_only(one, "ab.example, b.example") == "b.example");
}

BOOST_AUTO_TEST_CASE(keeps_the_latest_names) {
  AskedNames asked;
  const ProcessKey one{7, 100};
  for (std::size_t i = 0; i <= AskedNames::kEntriesMax; ++i) {
    asked.note(one, host("h" + std::to_string(i) + ".example"));
  }
  BOOST_TEST(asked.find_only(one, "h0.example").empty());
  BOOST_TEST(asked.find_only(one, "h1.example") == "h1.example");
  BOOST_TEST(asked.find_only(one, "h512.example") == "h512.example");
}

BOOST_AUTO_TEST_SUITE_END()
