#include "storage/index/event_indexes.h"

#include <map>
#include <set>
#include <tuple>

#include "tests/storage/index/model.h"

using namespace picortex;
using test::kWhole;

namespace {

constexpr std::int64_t kDays = 3 * kDay;

struct IndexesFixture : test::RandomStore {
  using Counts =
      std::map<std::tuple<std::int64_t, std::string, std::string, std::string>, std::int64_t>;

  // By hour, type, level and chat as the rollup has them.
  static Counts counted(EventReader& reader, std::int64_t since_ms, std::int64_t until_ms,
                        const std::string& chat = {}) {
    EventFilter filter;
    filter.since_ms = since_ms;
    filter.until_ms = until_ms;
    filter.chat_id = chat;
    StatsQuery query({.filter = filter,
                      .by = {StatsDimension::of("hour"), StatsDimension::of("type"),
                             StatsDimension::of("level"), StatsDimension::of("chat")}});
    BOOST_TEST(query.is_counted());
    while (!query.is_done()) get(query.run(reader, kWhole));
    Counts counts;
    for (const StatsGroup& group : query.take_groups()) {
      counts[{std::stoll(group.by[0]), group.by[1], group.by[2], group.by[3]}] += group.count;
    }
    return counts;
  }

  // The same by reading every row.
  Counts expected(EventReader& reader, std::int64_t since_ms, std::int64_t until_ms,
                  const std::string& chat = {}) {
    Counts counts;
    for (const EventRow& row : all_rows(reader)) {
      if (row.time_ms < since_ms || row.time_ms >= until_ms) continue;
      if (!chat.empty() && row.chat_id != chat) continue;
      ++counts[{row.time_ms / kHourMs * kHourMs, row.event_type,
                std::string(level_label(row.level)), row.chat_id}];
    }
    return counts;
  }

  void check_counts(std::int64_t now_ms) {
    auto opened = get(EventReader::open(directory));
    BOOST_TEST((counted(*opened, 0, kLatestUnixMs + 1) == expected(*opened, 0, kLatestUnixMs + 1)));
    const std::int64_t since_ms = now_ms - below(4 * 86'400) * 1000;
    const std::int64_t until_ms = since_ms + below(2 * 86'400) * 1000;
    BOOST_TEST((counted(*opened, since_ms, until_ms) == expected(*opened, since_ms, until_ms)));
    BOOST_TEST((counted(*opened, since_ms, until_ms, "chat-1") ==
                expected(*opened, since_ms, until_ms, "chat-1")));
  }

  // Everything that arrived after a place, as the order of arrival has it.
  std::vector<EventRow> arrived(EventReader& reader, std::int64_t after, std::int64_t& gone) {
    ArrivalQuery query({}, after);
    while (!query.is_done()) get(query.run(reader, kWhole));
    gone = query.gone();
    return std::move(query.rows());
  }

  void check_arrivals() {
    auto opened = get(EventReader::open(directory));
    std::int64_t gone = 0;
    const auto rows = arrived(*opened, 0, gone);
    std::int64_t last = 0;
    for (const EventRow& row : rows) {
      BOOST_TEST(row.arrival > last);
      last = row.arrival;
    }
    BOOST_TEST(std::ssize(rows) == number("SELECT count(*) FROM event"));
    BOOST_TEST(std::ssize(rows) + gone == store->next_arrival() - 1);
    // What is counted of a block is what it has.
    BOOST_TEST(number("SELECT count(*) FROM arrival a WHERE live != (SELECT count(*) FROM event"
                      " WHERE (arrival - 1) / 128 = a.block)") == 0);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_indexes, IndexesFixture)

// Events, duplicates, late ones, deletion, rollback and new processes, in any order: the rollup
// counts what reading all rows counts, and the order of arrival has each event once.
BOOST_AUTO_TEST_CASE(counts_and_arrivals_agree_with_the_rows_whatever_happened) {
  store->keep_within({.age_max_ms = kDays});
  std::int64_t now_ms = kNow;
  for (int round = 0; round < 60; ++round) {
    change(now_ms, below(round % 5 == 0 ? 1500 : 200));
    now_ms += below(4 * 3600) * 1000;
    if (below(6) == 0) {
      // As after SIGKILL: nothing is finished.
      open(now_ms);
      store->keep_within({.age_max_ms = kDays});
    }
    if (round % 10 == 9) {
      check_counts(now_ms);
      check_arrivals();
      BOOST_TEST(get(reader()->text_of("PRAGMA integrity_check")) == "ok");
    }
  }
  // Until nothing is due: then the first blocks have gone, and everything still agrees.
  for (int slices = 0; get(store->wants_to_prune(now_ms)); ++slices) {
    BOOST_REQUIRE(slices < 1000);
    get(store->begin(now_ms));
    get(store->prune(now_ms, 500));
    commit();
  }
  check_counts(now_ms);
  check_arrivals();
  BOOST_TEST(number("SELECT count(*) FROM rollup") > 5);
  BOOST_TEST(number("SELECT value FROM total WHERE name = 'rollup_arrival'") > 0);
  BOOST_TEST(number("SELECT min(block) FROM arrival") > 0);
}

BOOST_AUTO_TEST_CASE(arrivals_are_in_the_order_of_storing_whatever_the_times) {
  put(event("a", kNow));
  put(event("late", kNow - kDay));
  put(event("b", kNow));
  auto opened = get(EventReader::open(directory));
  std::int64_t gone = 0;
  std::string types;
  for (const EventRow& row : arrived(*opened, 0, gone)) types += row.event_type + ' ';
  BOOST_TEST(types == "a late b ");
  types.clear();
  for (const EventRow& row : arrived(*opened, 1, gone)) types += row.event_type + ' ';
  BOOST_TEST(types == "late b ");
  BOOST_TEST(get(opened->last_arrival()) == 3);
}

BOOST_AUTO_TEST_CASE(slices_of_arrivals_of_any_size_miss_and_repeat_nothing) {
  get(store->begin(kNow));
  for (int i = 0; i < 700; ++i) append_one(kNow);
  commit();
  auto opened = get(EventReader::open(directory));
  for (const std::size_t rows_max : {1, 7, 128, 1000}) {
    std::int64_t place = 0;
    std::int64_t seen = 0;
    for (bool is_done = false; !is_done;) {
      ArrivalQuery query({}, place);
      get(query.run(*opened, {.rows_max = rows_max, .time_max = std::chrono::minutes(1)}));
      for (const EventRow& row : query.rows()) BOOST_TEST(row.arrival == ++seen);
      is_done = query.is_done();
      place = query.place();
    }
    BOOST_TEST(seen == store->next_arrival() - 1);
  }
}

BOOST_AUTO_TEST_CASE(events_that_are_gone_are_counted_also_if_their_key_is_given_again) {
  for (int i = 0; i < 300; ++i) put(event("old", kNow - kDays));
  store->keep_within({.age_max_ms = kDay});
  while (get(store->wants_to_prune(kNow))) {
    get(store->begin(kNow));
    get(store->prune(kNow, 100));
    commit();
  }
  BOOST_TEST(number("SELECT count(*) FROM event") == 0);
  BOOST_TEST(number("SELECT count(*) FROM arrival") == 1);  // the last block keeps the number
  BOOST_TEST(number("SELECT count(*) FROM rollup") == 0);
  open();
  store->keep_appended(kNow - kDay, kNow + kDay);
  put(event("new", kNow - kDays));
  auto opened = get(EventReader::open(directory));
  std::int64_t gone = 0;
  const auto rows = arrived(*opened, 10, gone);
  BOOST_REQUIRE(rows.size() == 1u);
  BOOST_TEST(rows[0].arrival == 301);
  BOOST_TEST(gone == 290);
}

BOOST_AUTO_TEST_CASE(a_database_that_is_restored_has_another_epoch) {
  put(event());
  const std::int64_t epoch = store->arrival_epoch();
  BOOST_TEST(epoch != 0);
  open();
  BOOST_TEST(store->arrival_epoch() == epoch);
  store.reset();
  const std::string copy = path() + ".copy";
  std::filesystem::copy(path(), copy);
  std::filesystem::rename(copy, path());
  std::filesystem::remove(path() + "-wal");
  std::filesystem::remove(path() + "-shm");
  open();
  BOOST_TEST(store->arrival_epoch() != epoch);
  BOOST_TEST(store->arrival_epoch() != 0);
}

BOOST_AUTO_TEST_CASE(events_of_an_older_version_are_counted_before_during_and_after_the_building) {
  get(store->begin(kNow));
  for (int i = 0; i < 2500; ++i) append_one(kNow);
  commit();
  store.reset();
  get(reader()->execute(kToVersion4.c_str()));
  open();
  store->keep_within({.age_max_ms = kDays});
  BOOST_TEST(store->wants_to_build(kNow));
  const std::int64_t old_events = number("SELECT count(*) FROM event");
  check_counts(kNow);
  std::int64_t gone = 0;
  {
    auto opened = get(EventReader::open(directory));
    const auto rows = arrived(*opened, kBeforeAllArrivals, gone);
    BOOST_TEST(std::ssize(rows) == old_events);
    BOOST_TEST(arrived(*opened, 0, gone).empty());
  }
  int slices = 0;
  for (; store->wants_to_build(kNow); ++slices) {
    BOOST_REQUIRE(slices < 100);
    get(store->begin(kNow));
    if (slices < 3) {
      append_one(kNow);
      get(store->prune(kNow, 20));
    }
    get(store->build(kNow));
    commit();
    check_counts(kNow);
  }
  BOOST_TEST(slices > 3);
  open();
  check_counts(kNow);
  auto opened = get(EventReader::open(directory));
  BOOST_TEST(std::ssize(arrived(*opened, kBeforeAllArrivals, gone)) ==
             number("SELECT count(*) FROM event"));
}

BOOST_AUTO_TEST_CASE(the_indexes_of_an_event_cost_few_bytes) {
  const auto pages = [this](const char* table) {
    return number("SELECT sum(pgsize) FROM dbstat WHERE name = '" + std::string(table) + "'");
  };
  std::int64_t now_ms = kNow;
  std::int64_t events = 0;
  for (int round = 0; round < 100; ++round) {
    get(store->begin(now_ms));
    for (int i = 0; i < 256; ++i, ++events) {
      Event made = event(kTypes[below(4)], now_ms);
      const std::string chat = "chat-" + std::to_string(below(20));
      made.chat_id = chat;
      now_ms += below(600);
      get(store->append(made));
    }
    get(store->build(now_ms));
    commit();
  }
  while (store->wants_to_build(now_ms)) {
    get(store->begin(now_ms));
    get(store->build(now_ms));
    commit();
  }
  BOOST_TEST(pages("arrival") < events * 4);
  BOOST_TEST(pages("rollup") < events * 4);
  BOOST_TEST(pages("text_block") <= events * 8 + 8192);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(text_index, test::RandomStore)

namespace {

std::vector<std::int64_t> keys_with(const std::vector<EventRow>& rows, const EventFilter& filter) {
  const EventMatcher matcher(filter);
  std::vector<std::int64_t> keys;
  for (const EventRow& row : rows) {
    if (matcher.matches(row)) keys.push_back(row.key);
  }
  return keys;
}

}  // namespace

// Whatever is built, late or deleted: a search finds what reading all rows finds, in both orders.
BOOST_AUTO_TEST_CASE(a_search_finds_what_is_there_and_passes_over_the_rest) {
  store->keep_within({.age_max_ms = kDays});
  std::int64_t now_ms = kNow;
  std::int64_t rows_looked_at = 0;
  std::int64_t rows_there = 0;
  for (int round = 0; round < 40; ++round) {
    change(now_ms, below(600));
    now_ms += 120'000 + below(3600) * 1000;
    if (round % 5 != 4) continue;
    for (int i = 0; i < 10; ++i) {
      get(store->begin(now_ms));
      get(store->build(now_ms));
      commit();
    }
    auto opened = get(EventReader::open(directory));
    const auto rows = all_rows(*opened);
    for (const char* text : {"number 77", "NUMBER 9", "no such text", "\"rule\":\"r1\"", "er"}) {
      EventFilter filter;
      filter.text = text;
      filter.order = EventOrder::oldest_first;
      const auto expected = keys_with(rows, filter);
      for (const EventOrder order : {EventOrder::oldest_first, EventOrder::newest_first}) {
        filter.order = order;
        EventQuery query(*opened, filter);
        std::vector<EventRow> found;
        while (!query.is_done()) get(query.run(found, kWhole));
        auto keys = keys_with(found, {});
        if (order == EventOrder::newest_first) std::ranges::reverse(keys);
        BOOST_TEST(keys == expected);
        if (std::string_view(text) == "no such text") {
          rows_looked_at += query.cost().rows_read;
          rows_there += std::ssize(rows);
        }
      }
    }
  }
  BOOST_TEST(number("SELECT count(*) FROM text_block") > 5);
  BOOST_TEST(rows_looked_at < rows_there / 2);
}

BOOST_AUTO_TEST_SUITE_END()
