#include "storage/query/stats/stats_query.h"

#include <cmath>
#include <map>

#include "storage/query/stats/chats_query.h"
#include "storage/query/stats/error_fingerprint.h"
#include "storage/query/stats/error_groups.h"
#include "storage/query/stats/histogram_query.h"
#include "tests/storage/index/model.h"

using namespace picortex;
using test::kWhole;

namespace {

struct StatsFixture : test::RandomStore {
  StatsFixture() : RandomStore(7) {
    std::int64_t now_ms = kNow;
    for (int round = 0; round < 30; ++round) {
      change(now_ms, below(400));
      now_ms += below(7200) * 1000;
    }
    event_reader = get(EventReader::open(directory));
    rows = all_rows(*event_reader);
  }

  FieldCondition condition(std::string_view text) { return *FieldCondition::parse(text); }

  // Any of them, or none.
  EventFilter random_filter() {
    EventFilter filter;
    constexpr const char* kWhere[] = {"n>4",
                                      "n=3",
                                      "rule=r1",
                                      "rule~2",
                                      "!rule=r0",
                                      "deep.x=1",
                                      "type!=bot.error",
                                      "level>=warn",
                                      "chat=chat-*",
                                      "chat!=chat-1",
                                      "msg~number 1",
                                      "nothing=1",
                                      "type=linq.*",
                                      "!type=linq.inbound"};
    constexpr const char* kChatFilters[] = {"chat-1", "chat-*", "*", "absent", "chat-9*"};
    constexpr const char* kTypeFilters[] = {"linq.inbound", "linq.*", "*", "no.such", "b*"};
    if (below(3) == 0) filter.chat_id = kChatFilters[below(5)];
    if (below(3) == 0) filter.event_type = kTypeFilters[below(5)];
    if (below(3) == 0) filter.level = kLevels[below(5)];
    if (below(3) == 0) filter.text = below(2) == 0 ? "number 12" : "number 9";
    if (below(2) == 0) {
      filter.since_ms = kNow - below(3 * 86'400) * 1000;
      filter.until_ms = filter.since_ms + below(5 * 86'400) * 1000;
    }
    for (std::uint32_t i = below(3); i > 0; --i) {
      filter.where.push_back(condition(kWhere[below(std::size(kWhere))]));
    }
    return filter;
  }

  std::vector<StatsGroup> run(StatsQuery::Asked asked) {
    StatsQuery query(std::move(asked));
    while (!query.is_done()) get(query.run(*event_reader, kWhole));
    BOOST_TEST(!query.error().has_value());
    return query.take_groups();
  }

  std::unique_ptr<EventReader> event_reader;
  std::vector<EventRow> rows;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stats_query, StatsFixture)

// The list, the counts, the stream's matcher and the order of arrival agree on what fits.
BOOST_AUTO_TEST_CASE(all_questions_agree_on_random_filters) {
  int with_rows = 0;
  for (int round = 0; round < 150; ++round) {
    const EventFilter filter = random_filter();
    const EventMatcher matcher(filter);
    std::vector<std::int64_t> expected;
    for (const EventRow& row : rows) {
      if (matcher.matches(row)) expected.push_back(row.key);
    }
    with_rows += expected.empty() ? 0 : 1;

    EventFilter listed = filter;
    listed.order = below(2) == 0 ? EventOrder::oldest_first : EventOrder::newest_first;
    EventQuery list(*event_reader, listed);
    std::vector<EventRow> found;
    while (!list.is_done()) get(list.run(found, {.rows_max = 1'000'000, .steps_max = 500}));
    std::vector<std::int64_t> keys;
    for (const EventRow& row : found) keys.push_back(row.key);
    if (listed.order == EventOrder::newest_first) std::ranges::reverse(keys);
    BOOST_TEST(keys == expected);

    ArrivalQuery arrivals(filter, 0);
    while (!arrivals.is_done()) get(arrivals.run(*event_reader, kWhole));
    keys.clear();
    for (const EventRow& row : arrivals.rows()) keys.push_back(row.key);
    std::ranges::sort(keys);
    BOOST_TEST(keys == expected);

    std::int64_t counted = 0;
    const char* by = below(2) == 0 ? "chat" : "day";
    for (const StatsGroup& group : run({.filter = filter,
                                   .by = {StatsDimension::of("level"), StatsDimension::of(by)},
                                   .steps = TimeSteps::every(kRollupDayMs)})) {
      counted += group.count;
    }
    BOOST_TEST(counted == std::ssize(expected));
  }
  BOOST_TEST(with_rows > 40);
}

BOOST_AUTO_TEST_CASE(histograms_of_any_step_and_zone_agree_with_the_rows) {
  for (const std::int64_t step : {60'000L, 900'000L, 3'600'000L, 10'800'000L, 86'400'000L}) {
    for (const std::int64_t zone : {0L, 3'600'000L, 19'800'000L, -12'600'000L}) {
      TimeSteps steps = TimeSteps::every(step, zone);
      std::map<std::int64_t, std::int64_t> expected;
      for (const EventRow& row : rows) ++expected[steps.begin_of(row.time_ms)];
      std::map<std::int64_t, std::int64_t> counted;
      for (const StatsGroup& group :
           run({.filter = {}, .by = {StatsDimension::of("hour")}, .steps = steps})) {
        counted[std::stoll(group.by[0])] += group.count;
      }
      BOOST_TEST((counted == expected));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_histogram_has_hours_where_shorter_steps_would_read_too_many_rows) {
  constexpr std::int64_t kQuarterMs = 900'000;
  const auto step_of = [this](HistogramQuery::Asked asked) {
    asked.step_ms = kQuarterMs;
    HistogramQuery query(asked);
    while (!query.is_done()) get(query.run(*event_reader, kWhole));
    TimeSteps steps = TimeSteps::every(query.step_ms(), 0);
    const EventMatcher matcher(asked.filter);
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> expected, counted;
    for (const EventRow& row : rows) {
      if (!matcher.matches(row)) continue;
      ++expected[{steps.begin_of(row.time_ms), std::string(level_label(row.level))}];
    }
    for (const StatsGroup& group : query.take_groups()) {
      counted[{std::stoll(group.by[0]), group.by[1]}] += group.count;
    }
    BOOST_TEST((counted == expected));
    return query.step_ms();
  };
  EventFilter filter;
  filter.since_ms = rows.front().time_ms;
  filter.until_ms = rows.back().time_ms + 1;
  filter.level = Level::warn;
  BOOST_TEST(step_of({.filter = filter, .may_widen = true}) == kQuarterMs);
  BOOST_TEST(step_of({.filter = filter, .may_widen = true, .rows_max = std::ssize(rows) / 2}) ==
             kHourMs);
  // The step that was asked for stays; and so does any where each event is read in any case.
  BOOST_TEST(step_of({.filter = filter, .rows_max = 0}) == kQuarterMs);
  filter.text = "number";
  BOOST_TEST(step_of({.filter = filter, .may_widen = true, .rows_max = 0}) == kQuarterMs);
  filter.text.clear();
  // No whole hour is in it.
  filter.since_ms = rows.back().time_ms / kHourMs * kHourMs + 1;
  BOOST_TEST(step_of({.filter = filter, .may_widen = true, .rows_max = 0}) == kQuarterMs);
}

BOOST_AUTO_TEST_CASE(sums_and_percentiles_are_those_of_the_values) {
  std::map<std::string, std::vector<double>> values;
  for (const EventRow& row : rows) {
    if (row.data.empty()) continue;
    const double n = row.data[5] - '0';  // {"n":4,…
    const std::string rule = row.data.substr(row.data.find("\"r") + 8, 2);
    values[rule].push_back(n);
  }
  using Kind = StatsAggregate::Kind;
  const auto groups = run({.filter = {},
                           .by = {StatsDimension::of("rule")},
                           .aggregates = {{Kind::sum, "n"},
                                          {Kind::max, "n"},
                                          {Kind::p50, "n"},
                                          {Kind::p95, "n"},
                                          {Kind::sum, "rule"}}});
  BOOST_TEST(groups.size() == values.size() + 1);
  for (const StatsGroup& group : groups) {
    if (group.by[0].empty()) {
      BOOST_TEST(!group.values[0].has_value());
      continue;
    }
    auto& own = values.at(group.by[0]);
    std::ranges::sort(own);
    double sum = 0;
    for (const double value : own) sum += value;
    const auto rank = [&own](double share) {
      return own[static_cast<std::size_t>(std::ceil(share * static_cast<double>(own.size()))) - 1];
    };
    BOOST_TEST(group.count == std::ssize(own));
    BOOST_TEST(*group.values[0] == sum);
    BOOST_TEST(*group.values[1] == own.back());
    BOOST_TEST(*group.values[2] == rank(0.5));
    BOOST_TEST(*group.values[3] == rank(0.95));
    BOOST_TEST(!group.values[4].has_value());  // no numbers
  }
}

BOOST_AUTO_TEST_CASE(chats_and_facets_agree_with_the_rows) {
  std::map<std::string, ChatSummary> expected;
  std::map<std::string, std::int64_t> types;
  for (const EventRow& row : rows) {
    ++types[row.event_type];
    if (row.chat_id.empty()) continue;
    ChatSummary& chat = expected[row.chat_id];
    ++chat.events;
    if (row.event_type == "tmux.turn.start") ++chat.turns;
    if (row.level >= Level::error) ++chat.errors;
    chat.last_ms = std::max(chat.last_ms, row.time_ms);
  }
  ChatsQuery query{EventFilter()};
  while (!query.is_done()) get(query.run(*event_reader, kWhole));
  const auto chats = query.take_chats();
  BOOST_TEST(chats.size() == expected.size());
  std::int64_t last = kLatestUnixMs;
  for (const ChatSummary& chat : chats) {
    const ChatSummary& own = expected[chat.chat_id];
    BOOST_TEST(chat.events == own.events);
    BOOST_TEST(chat.turns == own.turns);
    BOOST_TEST(chat.errors == own.errors);
    BOOST_TEST(chat.last_ms == own.last_ms);
    BOOST_TEST(chat.last_ms <= last);
    last = chat.last_ms;
  }
  EventFilter filter;
  filter.event_type = "linq.inbound";
  FacetsQuery facets(filter);
  while (!facets.is_done()) get(facets.run(*event_reader, kWhole));
  // The type's own condition does not count for the types.
  for (const StatsGroup& group : facets.take_types()) {
    BOOST_TEST(group.count == types[group.by[0]]);
  }
  std::int64_t levels = 0;
  for (const StatsGroup& group : facets.take_levels()) levels += group.count;
  BOOST_TEST(levels == types["linq.inbound"]);
}

BOOST_AUTO_TEST_CASE(an_answer_that_would_be_too_large_says_what_to_do) {
  get(store->begin(kNow));
  for (std::size_t i = 0; i <= StatsQuery::kGroupsMax; ++i) {
    Event made = event("many", kNow);
    const std::string data = R"({"one":)" + std::to_string(i) + "}";
    made.data = data;
    get(store->append(made));
  }
  commit();
  StatsQuery query({.filter = {}, .by = {StatsDimension::of("one")}});
  while (!query.is_done()) get(query.run(*event_reader, kWhole));
  BOOST_REQUIRE(query.error().has_value());
  BOOST_TEST(query.error()->what.find("narrow") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(error_groups, StoreFixture)

namespace {

struct Errors : StoreFixture {
  Errors() { open(); }
  void fail(std::string_view msg, std::int64_t time_ms, std::string_view data = {},
            std::string_view chat = {}) {
    Event made = event("bot.error", time_ms);
    made.level = Level::error;
    made.msg = msg;
    made.data = data;
    made.chat_id = chat;
    put(made);
  }
  void say(const std::string& id, std::string_view state, std::int64_t time_ms) {
    Event made = event(kErrorStateType, time_ms);
    const std::string data =
        R"({"fingerprint":")" + id + R"(","state":")" + std::string(state) + "\"}";
    made.data = data;
    put(made);
  }
  std::vector<ErrorGroup> groups() {
    auto reader = get(EventReader::open(directory));
    ErrorGroupsQuery query{EventFilter()};
    while (!query.is_done()) get(query.run(*reader, kWhole));
    return query.take_groups();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(errors_that_differ_in_numbers_alone_are_one_group, Errors) {
  fail("timeout after 30 ms for 8c1f2a3b", kNow, R"({"release":"v1"})", "a");
  fail("timeout after 45 ms for 9d2e3b4c", kNow + 5, R"({"release":"v2"})", "b");
  fail("connection refused", kNow + 9);
  put(event("linq.inbound", kNow));
  const auto found = groups();
  BOOST_REQUIRE(found.size() == 2u);
  BOOST_TEST(found[0].title == "connection refused");
  BOOST_TEST(found[1].count == 2);
  BOOST_TEST(found[1].first_ms == kNow);
  BOOST_TEST(found[1].last_ms == kNow + 5);
  BOOST_TEST(found[1].release == "v2");
  BOOST_TEST(found[1].title == "timeout after 45 ms for 9d2e3b4c");
  BOOST_TEST(found[1].chats.size() == 2u);
  BOOST_TEST(found[1].id.size() == kErrorIdSize);
}

BOOST_FIXTURE_TEST_CASE(a_fingerprint_a_type_and_a_call_set_groups_apart, Errors) {
  fail("x", kNow, R"({"fingerprint":["a"]})");
  fail("y", kNow, R"({"fingerprint":["a"]})");
  fail("x", kNow,
       R"js({"err":{"type":"TypeError","stack":"TypeError: x\n    at f (a.js:1:2)"}})js");
  fail("x", kNow,
       R"js({"err":{"type":"TypeError","stack":"TypeError: x\n    at f (a.js:9:7)"}})js");
  fail("x", kNow,
       R"js({"err":{"type":"TypeError","stack":"TypeError: x\n    at g (a.js:1:2)"}})js");
  fail("x", kNow, R"({"err":{"type":"RangeError"}})");
  std::multiset<std::int64_t> counts;
  for (const ErrorGroup& group : groups()) counts.insert(group.count);
  BOOST_TEST((counts == std::multiset<std::int64_t>{1, 1, 2, 2}));
}

BOOST_FIXTURE_TEST_CASE(what_was_said_of_a_group_holds_until_it_comes_again, Errors) {
  fail("boom", kNow);
  const std::string id = groups()[0].id;
  BOOST_TEST((groups()[0].state == ErrorState::open));
  say(id, "muted", kNow + 1);
  BOOST_TEST((groups()[0].state == ErrorState::muted));
  fail("boom", kNow + 2);
  BOOST_TEST((groups()[0].state == ErrorState::muted));
  say(id, "resolved", kNow + 3);
  BOOST_TEST((groups()[0].state == ErrorState::resolved));
  fail("boom", kNow + 4);
  BOOST_TEST((groups()[0].state == ErrorState::returned));
  say(id, "open", kNow + 5);
  say("0123456789abcdef", "muted", kNow + 6);
  say(id, "nonsense", kNow + 7);
  BOOST_TEST((groups()[0].state == ErrorState::open));
  say(id, "resolved", kNow + 8);
  say(id, "returned", kNow + 9);
  BOOST_TEST((groups()[0].state == ErrorState::returned));
}

BOOST_FIXTURE_TEST_CASE(an_error_that_is_dated_ahead_of_its_resolution_has_not_returned, Errors) {
  fail("boom", kNow + kDay);
  const std::string id = groups()[0].id;
  say(id, "resolved", kNow);
  BOOST_TEST((groups()[0].state == ErrorState::resolved));
  fail("boom", kNow - kMinute);  // waited at its client
  BOOST_TEST((groups()[0].state == ErrorState::returned));
}

BOOST_FIXTURE_TEST_CASE(an_error_that_comes_late_has_not_returned, Errors) {
  fail("boom", kNow);
  const std::string id = groups()[0].id;
  say(id, "resolved", kNow + 3);
  fail("boom", kNow + 2);
  BOOST_TEST((groups()[0].state == ErrorState::resolved));
  fail("boom", kNow + 4);
  BOOST_TEST((groups()[0].state == ErrorState::returned));
}

BOOST_FIXTURE_TEST_CASE(the_newest_state_of_each_group_is_read, Errors) {
  BOOST_TEST(get(read_error_states(directory)).empty());
  say("00000000000000aa", "resolved", kNow + 1);
  say("00000000000000aa", "muted", kNow + 3);
  say("00000000000000aa", "open", kNow + 2);  // arrives late
  say("00000000000000bb", "resolved", kNow);
  for (const char* hostile : {"", "aa", "00000000000000az", "00000000000000aa0"}) {
    say(hostile, "open", kNow + 9);
  }
  say("00000000000000bb", "gone", kNow + 9);
  for (int i = 0; i < 300; ++i) say(error_group_id(0xc00 + i % 3), "muted", kNow + 10 + i);
  const ErrorStates states = get(read_error_states(directory));
  BOOST_REQUIRE(states.size() == 5u);
  BOOST_TEST((states.at(0xaa).state == ErrorState::muted));
  BOOST_TEST((states.at(0xbb).state == ErrorState::resolved));
  BOOST_TEST(states.at(0xbb).time_ms == kNow);
  BOOST_TEST(states.at(0xc02).time_ms == kNow + 10 + 299);
}

BOOST_AUTO_TEST_CASE(a_state_that_is_too_long_is_none) {
  const std::string short_one = R"({"fingerprint":"00000000000000aa","state":"muted"})";
  BOOST_TEST(parse_error_state(short_one)->group == 0xaau);
  std::string padded = R"({"fingerprint":"00000000000000aa","state":"muted","why":")";
  padded += std::string(ErrorStateNote::kSizeMax - padded.size() - 2, 'x') + "\"}";
  BOOST_TEST(padded.size() == ErrorStateNote::kSizeMax);
  BOOST_TEST(parse_error_state(padded).has_value());
  padded.insert(padded.size() - 2, "x");
  BOOST_TEST(!parse_error_state(padded).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
