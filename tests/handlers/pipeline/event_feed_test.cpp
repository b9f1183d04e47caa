#include "handlers/pipeline/event_feed.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/scripted_loop.h"

using namespace picortex;

namespace {

struct FeedFixture : test::ScriptedLoop {
  FeedFixture() : now_ms(reactor->unix_ms()) {}

  // An event on its way, stored at that time.
  std::int64_t append(std::string_view msg, std::int64_t time_ms, std::int64_t sequence = 0) {
    Event event;
    event.time_ms = time_ms;
    event.event_type = "t";
    event.msg = msg;
    const std::int64_t key = first_key_of(time_ms) + sequence;
    feed.append(event, {key, 1});
    return key;
  }
  std::string texts() const {
    std::string all;
    for (std::uint64_t number = feed.first(); number < feed.next(); ++number) {
      all += feed.at(number).row.msg;
    }
    return all;
  }

  EventFeed feed{*reactor};
  std::int64_t now_ms;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_feed, FeedFixture)

BOOST_AUTO_TEST_CASE(events_have_their_numbers_in_the_order_of_arrival_once_they_are_stored) {
  feed.add_listener();
  append("b", now_ms);
  append("a", now_ms - 5000);
  BOOST_TEST(feed.next() == 1u);
  feed.publish();
  BOOST_TEST(feed.next() == 3u);
  BOOST_TEST(texts() == "ba");
  append("c", now_ms);
  feed.publish();
  BOOST_TEST(texts() == "bac");
}

BOOST_AUTO_TEST_CASE(rolled_back_events_never_appear) {
  feed.add_listener();
  append("lost", now_ms);
  feed.discard();
  append("kept", now_ms);
  feed.publish();
  BOOST_TEST(texts() == "kept");
  BOOST_TEST(feed.next() == 2u);
}

BOOST_AUTO_TEST_CASE(without_listeners_events_are_only_counted) {
  append("x", now_ms);
  feed.publish();
  BOOST_TEST(feed.next() == 2u);
  BOOST_TEST(feed.first() == feed.next());
}

BOOST_AUTO_TEST_CASE(a_listener_amid_a_transaction_sees_only_what_is_whole) {
  append("before", now_ms);
  feed.add_listener();
  append("after", now_ms);
  BOOST_TEST(!feed.is_whole());
  feed.publish();
  BOOST_TEST(feed.next() == 3u);
  BOOST_TEST(texts() == "");  // a number without its event would be a gap
  append("next", now_ms);
  BOOST_TEST(feed.is_whole());
  feed.publish();
  BOOST_TEST(texts() == "next");
}

BOOST_AUTO_TEST_CASE(a_slow_reader_finds_that_its_number_has_left) {
  feed.add_listener();
  for (std::size_t i = 0; i < EventFeed::kEventsMax + 10; ++i) append("x", now_ms);
  feed.publish();
  BOOST_TEST(feed.first() == 11u);
  BOOST_TEST(feed.next() - feed.first() == EventFeed::kEventsMax);
}

BOOST_AUTO_TEST_CASE(large_events_are_kept_up_to_a_number_of_bytes) {
  feed.add_listener();
  const std::string large(1024 * 1024, 'x');
  for (int i = 0; i < 20; ++i) append(large, now_ms);
  feed.publish();
  BOOST_TEST(feed.next() - feed.first() == 7u);
}

BOOST_AUTO_TEST_CASE(the_mark_is_the_largest_key_but_for_times_to_come) {
  feed.add_listener();
  const std::int64_t before = feed.mark();
  append("old", now_ms - 60'000);
  feed.publish();
  BOOST_TEST(feed.mark() == before);
  append("future", now_ms + 3'600'000);
  feed.publish();
  BOOST_TEST(feed.mark() < first_key_of(now_ms + 3'600'000));
  BOOST_TEST(feed.mark() >= before);
}

BOOST_AUTO_TEST_CASE(at_the_seam_a_key_that_is_on_its_way_is_known) {
  feed.add_listener();
  const std::int64_t first = append("first", now_ms, 1);
  feed.publish();
  const std::int64_t second = append("second", now_ms, 2);
  BOOST_TEST(feed.comes_at_or_behind(1, first));
  BOOST_TEST(!feed.comes_at_or_behind(2, first));
  BOOST_TEST(feed.comes_at_or_behind(2, second));
  BOOST_TEST(!feed.comes_at_or_behind(1, second + 1));
}

BOOST_AUTO_TEST_SUITE_END()
