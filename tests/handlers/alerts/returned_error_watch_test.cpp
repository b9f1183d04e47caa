#include "handlers/alerts/returned_error_watch.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "storage/query/stats/error_fingerprint.h"

using namespace picortex;

namespace {

constexpr std::int64_t kErrorsNow = 1'794'924'000'000;

struct ReturnedErrorWatchFixture {
  void append_error(std::uint64_t group, std::int64_t time_ms, std::string_view msg = "boom") {
    Event event;
    event.event_type = "bot.error";
    event.level = Level::error;
    event.msg = msg;
    event.chat_id = "chat-1";
    event.time_ms = time_ms;
    event.id.emplace();
    event.id->bytes[0] = static_cast<std::uint8_t>(++ids);
    event.error_group = group;
    watch.append(event);
  }
  void append_state(std::uint64_t group, std::string_view state, std::int64_t time_ms) {
    const std::string data = R"({"fingerprint":")" + error_group_id(group) + R"(","state":")" +
                             std::string(state) + "\"}";
    Event event;
    event.event_type = kErrorStateType;
    event.data = data;
    event.time_ms = time_ms;
    watch.append(event);
  }
  void publish() { watch.publish({}); }
  void fail(std::uint64_t group, std::int64_t time_ms) {
    append_error(group, time_ms);
    publish();
  }
  void say(std::uint64_t group, std::string_view state, std::int64_t time_ms) {
    append_state(group, state, time_ms);
    publish();
  }
  std::vector<ReturnedError> look(std::int64_t now_ms = 1'000'000) {
    std::vector<ReturnedError> seen;
    watch.look(now_ms, [&](const ReturnedError& error) { seen.push_back(error); });
    return seen;
  }

  ReturnedErrorWatch watch;
  int ids = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(returned_error_watch, ReturnedErrorWatchFixture)

BOOST_AUTO_TEST_CASE(the_first_error_after_a_resolution_is_a_return_and_the_next_ones_are_not) {
  fail(7, kErrorsNow);
  say(7, "resolved", kErrorsNow + 10);
  BOOST_TEST(look().empty());
  fail(8, kErrorsNow + 20);
  fail(7, kErrorsNow + 10);  // of before it was resolved, and late
  BOOST_TEST(look().empty());
  fail(7, kErrorsNow + 11);
  fail(7, kErrorsNow + 12);
  const auto seen = look();
  BOOST_REQUIRE(seen.size() == 1u);
  BOOST_TEST(seen[0].group == 7u);
  BOOST_TEST(seen[0].resolved_ms == kErrorsNow + 10);
  BOOST_TEST(seen[0].returned_ms == kErrorsNow + 11);
  BOOST_TEST(seen[0].event.bytes[0] == 4);
  BOOST_TEST(seen[0].chat_id == "chat-1");
  BOOST_TEST(seen[0].title == "boom");
  BOOST_TEST(seen[0].calls_operator);
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(each_resolution_allows_one_return) {
  for (int i = 0; i < 3; ++i) {
    say(7, "resolved", kErrorsNow + 10 * i);
    fail(7, kErrorsNow + 10 * i + 1);
    say(7, "returned", kErrorsNow + 10 * i + 2);  // the daemon's own
    fail(7, kErrorsNow + 10 * i + 3);
    BOOST_TEST(look().size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(an_error_from_the_future_does_not_hide_the_next_resolution) {
  say(7, "resolved", kErrorsNow);
  fail(7, kErrorsNow + 3'600'000);
  say(7, "returned", kErrorsNow + 5);
  say(7, "resolved", kErrorsNow + 60'000);
  fail(7, kErrorsNow + 60'001);
  BOOST_TEST(look().size() == 2u);
}

BOOST_AUTO_TEST_CASE(muted_and_open_groups_do_not_return) {
  say(7, "resolved", kErrorsNow);
  say(7, "muted", kErrorsNow + 1);
  fail(7, kErrorsNow + 2);
  say(8, "resolved", kErrorsNow);
  say(8, "open", kErrorsNow + 1);
  fail(8, kErrorsNow + 2);
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(a_state_that_arrives_after_a_later_one_is_ignored) {
  say(7, "muted", kErrorsNow + 5);
  say(7, "resolved", kErrorsNow + 1);
  fail(7, kErrorsNow + 2);
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(states_of_the_store_replace_those_that_were_known) {
  say(7, "resolved", kErrorsNow);
  watch.on_error_states(
      {{8, {kErrorsNow, ErrorState::resolved}}, {9, {kErrorsNow, ErrorState::muted}}});
  BOOST_TEST(watch.size() == 2u);
  for (const std::uint64_t group : {7, 8, 9}) fail(group, kErrorsNow + 1);
  const auto seen = look();
  BOOST_REQUIRE(seen.size() == 1u);
  BOOST_TEST(seen[0].group == 8u);
}

BOOST_AUTO_TEST_CASE(events_of_one_transaction_count_in_their_order) {
  append_error(7, kErrorsNow + 1);
  append_state(7, "resolved", kErrorsNow);
  append_error(7, kErrorsNow + 2);
  append_error(7, kErrorsNow + 3);
  append_state(7, "resolved", kErrorsNow + 4);
  append_error(7, kErrorsNow + 5);
  publish();
  const auto seen = look();
  BOOST_REQUIRE(seen.size() == 2u);
  BOOST_TEST(seen[0].returned_ms == kErrorsNow + 2);
  BOOST_TEST(seen[1].returned_ms == kErrorsNow + 5);
}

BOOST_AUTO_TEST_CASE(a_transaction_that_fails_leaves_everything_as_it_was) {
  say(7, "resolved", kErrorsNow);
  append_error(7, kErrorsNow + 1);
  append_state(8, "resolved", kErrorsNow);
  watch.discard();
  BOOST_TEST(look().empty());
  fail(8, kErrorsNow + 2);
  fail(7, kErrorsNow + 2);
  BOOST_TEST(look().size() == 1u);
}

BOOST_AUTO_TEST_CASE(beyond_ten_a_minute_returns_do_not_call_and_the_next_call_says_how_many) {
  for (std::uint64_t group = 1; group <= 13; ++group) {
    say(group, "resolved", kErrorsNow);
    fail(group, kErrorsNow + 1);
  }
  const auto seen = look(1'000'000);
  BOOST_REQUIRE(seen.size() == 13u);
  BOOST_TEST(seen[9].calls_operator);
  BOOST_TEST(!seen[10].calls_operator);
  say(20, "resolved", kErrorsNow);
  fail(20, kErrorsNow + 1);
  const auto later = look(1'060'000);
  BOOST_REQUIRE(later.size() == 1u);
  BOOST_TEST(later[0].calls_operator);
  BOOST_TEST(later[0].suppressed == 3u);
}

BOOST_AUTO_TEST_CASE(a_return_that_finds_no_place_is_reported_by_the_next_error) {
  const std::uint64_t count = ReturnedErrorWatch::kDueMax + 1;
  for (std::uint64_t group = 1; group <= count; ++group) {
    say(group, "resolved", kErrorsNow);
    fail(group, kErrorsNow + 1);
  }
  BOOST_TEST(look().size() == ReturnedErrorWatch::kDueMax);
  for (std::uint64_t group = 1; group <= count; ++group) fail(group, kErrorsNow + 2);
  const auto seen = look();
  BOOST_REQUIRE(seen.size() == 1u);
  BOOST_TEST(seen[0].group == count);
}

BOOST_AUTO_TEST_CASE(the_group_whose_state_is_the_oldest_is_dropped) {
  say(1, "resolved", kErrorsNow + 1);
  say(2, "resolved", kErrorsNow);
  const std::uint64_t end = ReturnedErrorWatch::kGroupsMax + 1;
  for (std::uint64_t group = 3; group <= end; ++group) say(group, "muted", kErrorsNow + 2);
  BOOST_TEST(watch.size() == ReturnedErrorWatch::kGroupsMax);
  fail(1, kErrorsNow + 5);
  fail(2, kErrorsNow + 5);
  const auto seen = look();
  BOOST_REQUIRE(seen.size() == 1u);
  BOOST_TEST(seen[0].group == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
