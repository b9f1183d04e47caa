#include "handlers/query_parameters.h"

#include <boost/test/unit_test.hpp>

#include "base/timestamp.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(query_parameters)

BOOST_AUTO_TEST_CASE(a_form_is_decoded_as_url_search_params_writes_it) {
  const auto pairs = parse_form("a=1&&b=x+y%26%3D%2B&%C3%A9=%00%ff&empty=&bare&c=d=e");
  BOOST_REQUIRE(pairs.has_value());
  const FormPairs expected{{"a", "1"},    {"b", "x y&=+"}, {"\xc3\xa9", std::string("\0\xff", 2)},
                           {"empty", ""}, {"bare", ""},    {"c", "d=e"}};
  BOOST_TEST((*pairs == expected));
}

BOOST_AUTO_TEST_CASE(an_empty_query_has_no_pairs) {
  BOOST_TEST(parse_form("")->empty());
  BOOST_TEST(parse_form("&&&")->empty());
}

BOOST_AUTO_TEST_CASE(broken_escapes_repeats_and_too_many_pairs_are_refused) {
  for (const char* query : {"a=%", "a=%1", "a=%g0", "a=%0g", "%=1", "a=1&a=2", "a=1&%61=2"}) {
    BOOST_TEST(!parse_form(query).has_value(), query);
  }
  std::string many;
  for (int i = 0; i < 32; ++i) many += "p" + std::to_string(i) + "=&";
  BOOST_TEST(parse_form(many).has_value());
  BOOST_TEST(!parse_form(many + "last=").has_value());
}

BOOST_AUTO_TEST_CASE(every_parameter_finds_its_place) {
  const auto request = parse_events_request(
      "chat_id=c&request_id=01020304-0506-7708-890a-0B0c0d0e0f10&event_type=linq.*&level=WARN"
      "&since=2026-11-17T14:00:00%2B01:00&until=1763388000001&text=a+b&limit=7&cursor=1f");
  BOOST_REQUIRE(request.has_value());
  BOOST_TEST(request->filter.chat_id == "c");
  BOOST_TEST(to_string(*request->filter.request_id) == "01020304-0506-7708-890a-0b0c0d0e0f10");
  BOOST_TEST(request->filter.event_type == "linq.*");
  BOOST_TEST((request->filter.level == Level::warn));
  BOOST_TEST(iso_time(request->filter.since_ms) == "2026-11-17T13:00:00.000Z");
  BOOST_TEST(request->filter.until_ms == 1763388000001);
  BOOST_TEST(request->filter.text == "a b");
  BOOST_TEST(request->limit == 7u);
  BOOST_TEST(*request->after == 0x1f);
  BOOST_TEST((request->filter.order == EventOrder::newest_first));
}

BOOST_AUTO_TEST_CASE(an_empty_value_counts_as_absent) {
  const auto request = parse_events_request("chat_id=&level=&limit=&cursor=&since=");
  BOOST_REQUIRE(request.has_value());
  BOOST_TEST(request->limit == 100u);
  BOOST_TEST(!request->after.has_value());
  BOOST_TEST(request->filter.since_ms == 0);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
  const std::pair<const char*, const char*> cases[] = {
      {"level=loud", "level "},         {"limit=1001", "limit "}, {"limit=-1", "limit "},
      {"since=tomorrow", "since "},     {"until=1.5", "until "},  {"request_id=x", "request_id "},
      {"event_type=*a", "event_type "}, {"cursor=-1", "cursor "}, {"nothing=1", "nothing "}};
  for (const auto& [query, name] : cases) {
    const auto request = parse_events_request(query);
    BOOST_REQUIRE(!request.has_value());
    BOOST_TEST(request.error().what.starts_with(name), request.error().what);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_has_no_pages) {
  BOOST_TEST(parse_stream_request("chat_id=c&level=info").has_value());
  BOOST_TEST(!parse_stream_request("limit=1").has_value());
  BOOST_TEST(!parse_stream_request("cursor=1").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
