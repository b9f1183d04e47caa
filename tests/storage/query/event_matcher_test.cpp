#include "storage/query/event_matcher.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(event_matcher)

namespace {

EventRow row() {
  return {.key = 1,
          .id = {},
          .time_ms = 1000,
          .level = Level::warn,
          .event_type = "linq.inbound",
          .request_id = Uuid{{1, 2, 3}},
          .chat_id = "chat-1",
          .msg = "Say \"Hello\" twice",
          .data = R"({"note":"a\nb \"Quoted\""})"};
}

// With what `ask` asks for.
template <class Ask>
bool matches(Ask ask) {
  EventFilter filter;
  ask(filter);
  return EventMatcher(filter).matches(row());
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_empty_filter_takes_everything) {
  BOOST_TEST(matches([](EventFilter&) {}));
}

BOOST_AUTO_TEST_CASE(each_member_decides) {
  BOOST_TEST(matches([](EventFilter& filter) { filter.chat_id = "chat-1"; }));
  BOOST_TEST(!matches([](EventFilter& filter) { filter.chat_id = "chat-10"; }));
  BOOST_TEST(matches([](EventFilter& filter) { filter.request_id = Uuid{{1, 2, 3}}; }));
  BOOST_TEST(!matches([](EventFilter& filter) { filter.request_id = Uuid{}; }));
  BOOST_TEST(matches([](EventFilter& filter) { filter.level = Level::warn; }));
  BOOST_TEST(!matches([](EventFilter& filter) { filter.level = Level::error; }));
  BOOST_TEST(matches([](EventFilter& filter) {
    filter.since_ms = 1000;
    filter.until_ms = 1001;
  }));
  BOOST_TEST(!matches([](EventFilter& filter) { filter.since_ms = 1001; }));
  BOOST_TEST(!matches([](EventFilter& filter) { filter.until_ms = 1000; }));
}

BOOST_AUTO_TEST_CASE(a_star_at_the_end_takes_every_ending) {
  for (const char* type : {"linq.inbound", "linq.inbound*", "linq.*", "*"}) {
    BOOST_TEST(matches([&](EventFilter& filter) { filter.event_type = type; }), type);
  }
  for (const char* type : {"linq.", "linq.inboun", "linq.inboundx*", "tmux.*"}) {
    BOOST_TEST(!matches([&](EventFilter& filter) { filter.event_type = type; }), type);
  }
}

BOOST_AUTO_TEST_CASE(a_text_is_found_in_msg_and_data_whatever_its_case) {
  for (const char* text : {"hello", "\"HELLO\" tw", "a\nB", "\"quoted\""}) {
    BOOST_TEST(matches([&](EventFilter& filter) { filter.text = text; }), text);
  }
  BOOST_TEST(!matches([](EventFilter& filter) { filter.text = "nowhere"; }));
  BOOST_TEST(!matches([](EventFilter& filter) { filter.text = "chat-1"; }));
}

BOOST_AUTO_TEST_SUITE_END()
