#include "storage/retention.h"

#include "store_fixture.h"

using namespace picortex;

namespace {

struct RetentionFixture : StoreFixture {
  RetentionFixture() { open(); }

  void store_events(int count, std::int64_t first_ms, std::int64_t step_ms) {
    get(store->begin(kNow));
    for (int i = 0; i < count; ++i) {
      Event made = event("tmux.turn.start", first_ms + i * step_ms);
      const std::string chat = "chat-" + std::to_string(i % 3);
      made.chat_id = chat;
      made.data = data;
      get(store->append(made));
    }
    commit();
  }

  std::size_t forget(std::size_t rows_max, std::int64_t now_ms = kNow) {
    get(store->begin(now_ms));
    const std::size_t forgotten = get(store->forget(now_ms, rows_max));
    commit();
    return forgotten;
  }

  std::int64_t events() const { return number("SELECT count(*) FROM event"); }

  std::string data = "{}";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(retention, RetentionFixture)

BOOST_AUTO_TEST_CASE(nothing_goes_until_a_limit_is_set) {
  store_events(10, 0, 1);
  BOOST_TEST(!get(store->wants_to_forget(kNow)));
  BOOST_TEST(forget(100) == 0u);
  BOOST_TEST(events() == 10);
}

BOOST_AUTO_TEST_CASE(events_beyond_the_age_go_oldest_first_and_a_few_at_a_time) {
  store_events(10, kNow - 8 * kDay, kDay);
  store->keep_within({.age_max_ms = 3 * kDay});
  BOOST_TEST(get(store->wants_to_forget(kNow)));
  BOOST_TEST(forget(2) == 2u);
  BOOST_TEST(number("SELECT min(key) >> 20 FROM event") == kNow - 6 * kDay);
  BOOST_TEST(forget(100) == 3u);
  BOOST_TEST(!get(store->wants_to_forget(kNow)));
  // An event that is just as old as the limit stays.
  BOOST_TEST(number("SELECT min(key) >> 20 FROM event") == kNow - 3 * kDay);
  BOOST_TEST(forget(100) == 0u);
  BOOST_TEST(get(store->wants_to_forget(kNow + kDay)));
}

BOOST_AUTO_TEST_CASE(what_was_counted_stays_counted_also_after_the_next_start) {
  store_events(30, kNow - 10 * kDay, 1);
  store_events(5, kNow, 1);
  const Metrics before = store->metrics(kNow);
  BOOST_TEST(before.turns_total == 35);
  store->keep_within({.age_max_ms = kDay});
  BOOST_TEST(forget(100) == 30u);
  BOOST_TEST((store->metrics(kNow) == before));
  open();
  BOOST_TEST((store->metrics(kNow) == before));
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(an_id_that_has_gone_can_be_stored_again) {
  Event made = event("linq.inbound", kNow - 2 * kDay);
  made.id = Uuid{{1, 2, 3}};
  BOOST_TEST(put(made));
  store->keep_within({.age_max_ms = kDay});
  BOOST_TEST(forget(100) == 1u);
  BOOST_TEST(put(made));
}

BOOST_AUTO_TEST_CASE(the_file_grows_no_further_once_it_has_its_size) {
  data = '"' + std::string(4000, 'x') + '"';
  const std::int64_t size_max = Retention::kSizeMaxMin;
  store->keep_within({.size_max = size_max});
  const std::int64_t pages_max = (size_max - Retention::kLogSize) / 4096;
  std::size_t forgotten = 0;
  for (int i = 0; i < 300; ++i) {
    get(store->begin(kNow));
    for (int row = 0; row < 100; ++row) {
      Event made = event("linq.inbound", kNow + i * 100 + row);
      made.data = data;
      get(store->append(made));
    }
    forgotten += get(store->forget(kNow, 116));
    commit();
    get(store->log_synced());
    if (store->wants_database_sync()) get(store->database_synced());
  }
  BOOST_TEST(forgotten > 15'000u);
  BOOST_TEST(events() == 30'000 - static_cast<std::int64_t>(forgotten));
  // A transaction's growth beside the limit.
  BOOST_TEST(number("PRAGMA page_count") < pages_max + 400);
  BOOST_TEST(number("SELECT max(key) >> 20 FROM event") == kNow + 29'999);
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(a_smaller_limit_than_the_file_is_reached_slice_by_slice) {
  data = '"' + std::string(60'000, 'x') + '"';
  for (int i = 0; i < 20; ++i) store_events(50, kNow + i * 50, 1);
  store->keep_within({.size_max = Retention::kSizeMaxMin});
  int slices = 0;
  while (get(store->wants_to_forget(kNow))) {
    BOOST_REQUIRE(forget(16) > 0u);
    BOOST_REQUIRE(++slices < 100);
  }
  BOOST_TEST(store->size() <= Retention::kSizeMaxMin - Retention::kLogSize);
  BOOST_TEST(events() > 500);
}

BOOST_AUTO_TEST_CASE(what_anybody_may_send_pushes_nothing_else_out) {
  data = '"' + std::string(60'000, 'x') + '"';
  store_events(300, kNow, 1);
  get(store->begin(kNow));
  for (int i = 0; i < 600; ++i) {
    Event open = event(i % 2 == 0 ? "frontend" : "sentry.error", kNow + 1000 + i);
    open.data = data;
    get(store->append(open));
  }
  commit();
  store->keep_within({.size_max = Retention::kSizeMaxMin});
  while (get(store->wants_to_forget(kNow))) BOOST_REQUIRE(forget(16) == 16u);
  BOOST_TEST(number("SELECT count(*) FROM events WHERE event_type = 'tmux.turn.start'") == 300);
  // For the age it does not matter.
  store->keep_within({.age_max_ms = kDay});
  BOOST_TEST(forget(1000, kNow + 2 * kDay) > 300u);
  BOOST_TEST(events() == 0);
}

BOOST_AUTO_TEST_CASE(old_minutes_of_the_counters_go_with_the_events) {
  get(reader()->execute("INSERT INTO metric_minute VALUES (1, 1, 0, 0), (2, 0, 1, 0)"));
  store_events(5, kNow - 2 * kDay, 1);
  store_events(1, kNow, 1);
  store->keep_within({.age_max_ms = kDay});
  forget(100);
  BOOST_TEST(number("SELECT min(minute) FROM metric_minute") > 2);
}

BOOST_AUTO_TEST_SUITE_END()
