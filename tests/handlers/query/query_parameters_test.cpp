#include "handlers/query/query_parameters.h"

#include <boost/test/unit_test.hpp>

#include "base/time/timestamp.h"

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

BOOST_AUTO_TEST_CASE(broken_escapes_repeats_and_too_many_pairs_are_rejected) {
  for (const char* query : {"a=%", "a=%1", "a=%g0", "a=%0g", "%=1", "a=1&a=2", "a=1&%61=2"}) {
    BOOST_TEST(!parse_form(query).has_value(), query);
  }
  std::string many;
  for (int i = 0; i < 32; ++i) many += "p" + std::to_string(i) + "=&";
  BOOST_TEST(parse_form(many).has_value());
  BOOST_TEST(!parse_form(many + "last=").has_value());
}

BOOST_AUTO_TEST_CASE(an_endpoint_without_parameters_names_the_first) {
  BOOST_TEST(reject_parameters("").has_value());
  BOOST_TEST(reject_parameters("&").has_value());
  for (const char* query : {"hours=48", "from=1&to=2", "hours", "%68ours=1"}) {
    const auto rejected = reject_parameters(query);
    BOOST_REQUIRE(!rejected.has_value());
    BOOST_TEST(
        rejected.error().what.ends_with("is not a parameter of this endpoint, which has none"));
  }
  BOOST_TEST(reject_parameters("a=%").error().what == "The query has a broken %-escape");
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

BOOST_AUTO_TEST_CASE(a_stream_has_no_result_pages) {
  BOOST_TEST(parse_stream_request("chat_id=c&level=info").has_value());
  BOOST_TEST(!parse_stream_request("limit=1").has_value());
  BOOST_TEST(!parse_stream_request("cursor=1").has_value());
}

BOOST_AUTO_TEST_CASE(a_stream_may_name_its_last_event_and_pages_may_not) {
  BOOST_TEST(parse_stream_request("level=info&lastEventId=1-2-3")->last_event_id == "1-2-3");
  BOOST_TEST(parse_stream_request("lastEventId=1%2D2-3")->last_event_id == "1-2-3");
  BOOST_TEST(parse_stream_request("lastEventId=")->last_event_id.empty());
  BOOST_TEST(parse_stream_request("")->last_event_id.empty());
  BOOST_TEST(!parse_stream_request("lastEventId=1&lastEventId=2").has_value());
  BOOST_TEST(!parse_stream_request("lasteventid=1").has_value());
  BOOST_TEST(!parse_events_request("lastEventId=1-2-3").has_value());
}

BOOST_AUTO_TEST_CASE(conditions_may_be_given_more_than_once) {
  const auto request =
      parse_events_request("where=decision%3Dskip&where=n%3E5&chat_id=chat-*&where=%21type%3Dlog");
  BOOST_REQUIRE(request.has_value());
  BOOST_REQUIRE(request->filter.where.size() == 3u);
  BOOST_TEST(request->filter.where[1].text() == "n>5");
  BOOST_TEST(request->filter.chat_id == "chat-*");
  BOOST_TEST(parse_stream_request("where=a%3Db").has_value());
  for (const char* query : {"where=nothing", "where=n%3Efast", "chat_id=a*b"}) {
    BOOST_TEST(!parse_events_request(query).has_value(), query);
  }
}

BOOST_AUTO_TEST_CASE(what_is_counted_has_its_own_parameters) {
  const auto request =
      parse_stats_request("by=day,chat,rule&sum=cost,n&p95=ms&zone=%2B05:30&limit=7&level=warn",
                          {"by", "sum", "p95", "zone", "limit"});
  BOOST_REQUIRE(request.has_value());
  BOOST_REQUIRE(request->by.size() == 3u);
  BOOST_TEST((request->by[0].kind == StatsDimension::Kind::time));
  BOOST_TEST((request->by[2].kind == StatsDimension::Kind::field));
  BOOST_REQUIRE(request->aggregates.size() == 3u);
  BOOST_TEST((request->aggregates[2].kind == StatsAggregate::Kind::p95));
  BOOST_TEST(request->zone_ms == 19'800'000);
  BOOST_TEST(request->limit == 7u);
  BOOST_TEST((request->filter.level == Level::warn));
  BOOST_TEST(parse_stats_request("step=15m", {"step"})->step_ms == 900'000);
  for (const char* query :
       {"step=15", "step=0m", "step=400d", "zone=+1", "zone=CET", "limit=0", "by=a,,b",
        "by=a,b,c,d,e", "sum=a,b,c,d,e,f,g,h,i", "cursor=1", "lastEventId=1-1-1"}) {
    BOOST_TEST(!parse_stats_request(query, {"by", "sum", "step", "zone", "limit"}).has_value(),
               query);
  }
  BOOST_TEST(!parse_stats_request("by=day", {"limit"}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
