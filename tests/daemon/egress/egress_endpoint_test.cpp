#include "daemon/egress/egress_endpoint.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(egress_endpoint)

BOOST_AUTO_TEST_CASE(parameters_are_read_and_empty_ones_count_as_absent) {
  const auto none = parse_egress_request("text=&verdict=&limit=&cursor=&since=");
  BOOST_REQUIRE(none.has_value());
  BOOST_TEST(none->limit == 200u);
  BOOST_TEST(!none->after.has_value());
  BOOST_TEST((none->filter.verdict == EgressHostsFilter::Verdict::any));
  const auto all = parse_egress_request(
      "text=a%3Ab&verdict=allowed&since=5&until=1970-01-01T00:00:01Z&limit=1000&cursor=7.443.61");
  BOOST_REQUIRE(all.has_value());
  BOOST_TEST(all->filter.text == "a:b");
  BOOST_TEST((all->filter.verdict == EgressHostsFilter::Verdict::allowed));
  BOOST_TEST(all->filter.since_ms == 5);
  BOOST_TEST(all->filter.until_ms == 1000);
  BOOST_TEST(all->limit == 1000u);
  BOOST_TEST(all->after->name == "a");
}

BOOST_AUTO_TEST_CASE(anything_else_is_rejected_by_name) {
  for (const auto& [query, error] :
       {std::pair("verdict=maybe", "verdict is not one of any, denied, allowed"),
        {"limit=0", "limit is not a number from 1 to 1000"},
        {"limit=1001", "limit is not a number from 1 to 1000"},
        {"cursor=1.2", "cursor is not a next_cursor of an earlier answer"},
        {"host=x", "host is not a parameter of this endpoint"},
        {"limit=1&limit=2", "limit is given twice"}}) {
    const auto request = parse_egress_request(query);
    BOOST_REQUIRE(!request.has_value());
    BOOST_TEST(request.error().what == error);
  }
  BOOST_TEST(!parse_egress_request("text=" + std::string(257, 'a')).has_value());
  BOOST_TEST(!parse_egress_request("since=yesterday").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
