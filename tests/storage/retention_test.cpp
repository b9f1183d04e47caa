#include "storage/retention.h"

#include "storage/query/arrival_query.h"
#include "tests/storage/store_fixture.h"

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

  std::size_t prune(std::size_t rows_max, std::int64_t now_ms = kNow) {
    get(store->begin(now_ms));
    const std::size_t events = get(store->prune(now_ms, rows_max)).events;
    commit();
    return events;
  }

  // Ends the scan for unused names, which a store begins with.
  void end_scan() {
    BOOST_TEST(get(store->wants_to_prune(kNow)));
    for (int i = 0; i < 4; ++i) prune(0);
  }

  // Until nothing is due, in slices of `rows_max` rows.
  void prune_all(std::size_t rows_max) {
    for (int slices = 0; get(store->wants_to_prune(kNow)); ++slices) {
      BOOST_REQUIRE(slices < 1000);
      prune(rows_max);
    }
  }

  std::int64_t chats() const { return number("SELECT count(*) FROM chat"); }
  std::int64_t events() const { return number("SELECT count(*) FROM event"); }

  std::string data = "{}";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(retention, RetentionFixture)

BOOST_AUTO_TEST_CASE(nothing_is_deleted_until_a_limit_is_set) {
  store_events(10, 0, 1);
  BOOST_TEST(!get(store->wants_to_prune(kNow)));
  BOOST_TEST(prune(100) == 0u);
  BOOST_TEST(events() == 10);
}

BOOST_AUTO_TEST_CASE(events_beyond_the_age_are_deleted_oldest_first_and_a_few_at_a_time) {
  store_events(10, kNow - 8 * kDay, kDay);
  store->keep_within({.age_max_ms = 3 * kDay});
  end_scan();
  BOOST_TEST(get(store->wants_to_prune(kNow)));
  BOOST_TEST(prune(2) == 2u);
  BOOST_TEST(number("SELECT min(key) >> 20 FROM event") == kNow - 6 * kDay);
  BOOST_TEST(prune(100) == 3u);
  BOOST_TEST(!get(store->wants_to_prune(kNow)));
  // An event that is just as old as the limit stays.
  BOOST_TEST(number("SELECT min(key) >> 20 FROM event") == kNow - 3 * kDay);
  BOOST_TEST(prune(100) == 0u);
  BOOST_TEST(get(store->wants_to_prune(kNow + kDay)));
}

BOOST_AUTO_TEST_CASE(what_was_counted_stays_counted_also_after_the_next_start) {
  store_events(30, kNow - 10 * kDay, 1);
  store_events(5, kNow, 1);
  const Metrics before = store->metrics(kNow);
  BOOST_TEST(before.turns_total == 35);
  store->keep_within({.age_max_ms = kDay});
  BOOST_TEST(prune(100) == 30u);
  BOOST_TEST((store->metrics(kNow) == before));
  open();
  BOOST_TEST((store->metrics(kNow) == before));
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(a_deleted_id_can_be_stored_again) {
  Event made = event("linq.inbound", kNow - 2 * kDay);
  made.id = Uuid{{1, 2, 3}};
  BOOST_TEST(put(made));
  store->keep_within({.age_max_ms = kDay});
  BOOST_TEST(prune(100) == 1u);
  BOOST_TEST(put(made));
}

BOOST_AUTO_TEST_CASE(the_file_grows_no_further_once_it_has_its_size) {
  data = '"' + std::string(4000, 'x') + '"';
  const std::int64_t size_max = Retention::kSizeMaxMin;
  store->keep_within({.size_max = size_max});
  const std::int64_t pages_max = (size_max - Retention::kLogSize) / 4096;
  std::size_t pruned = 0;
  for (int i = 0; i < 300; ++i) {
    get(store->begin(kNow));
    for (int row = 0; row < 100; ++row) {
      Event made = event("linq.inbound", kNow + i * 100 + row);
      made.data = data;
      get(store->append(made));
    }
    pruned += get(store->prune(kNow, 116)).events;
    commit();
    if (store->wants_to_copy_log()) get(store->copy_log());
  }
  BOOST_TEST(pruned > 15'000u);
  BOOST_TEST(events() == 30'000 - static_cast<std::int64_t>(pruned));
  // A transaction's growth in addition to the limit.
  BOOST_TEST(number("PRAGMA page_count") < pages_max + 400);
  BOOST_TEST(number("SELECT max(key) >> 20 FROM event") == kNow + 29'999);
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(a_smaller_limit_than_the_file_is_reached_slice_by_slice) {
  data = '"' + std::string(60'000, 'x') + '"';
  for (int i = 0; i < 20; ++i) store_events(50, kNow + i * 50, 1);
  store->keep_within({.size_max = Retention::kSizeMaxMin});
  prune_all(16);
  BOOST_TEST(store->size() <= Retention::kSizeMaxMin - Retention::kLogSize);
  BOOST_TEST(events() > 500);
}

BOOST_AUTO_TEST_CASE(open_event_types_push_no_others_out) {
  constexpr const char* kOpen[] = {"frontend",       "sentry.error",    "egress.rejected",
                                   "egress.allowed", "egress.new_host", "egress.suppressed"};
  data = '"' + std::string(60'000, 'x') + '"';
  store_events(300, kNow, 1);
  get(store->begin(kNow));
  for (int i = 0; i < 600; ++i) {
    Event open = event(kOpen[i % std::size(kOpen)], kNow + 1000 + i);
    open.data = data;
    get(store->append(open));
  }
  commit();
  store->keep_within({.size_max = Retention::kSizeMaxMin});
  prune_all(16);
  BOOST_TEST(number("SELECT count(*) FROM events WHERE event_type = 'tmux.turn.start'") == 300);
  // For the age it does not matter.
  store->keep_within({.age_max_ms = kDay});
  BOOST_TEST(prune(1000, kNow + 2 * kDay) > 300u);
  BOOST_TEST(events() == 0);
}

BOOST_AUTO_TEST_CASE(old_minutes_of_the_counters_are_deleted_with_the_events) {
  get(reader()->execute("INSERT INTO metric_minute VALUES (1, 1, 0, 0), (2, 0, 1, 0)"));
  store_events(5, kNow - 2 * kDay, 1);
  store_events(1, kNow, 1);
  store->keep_within({.age_max_ms = kDay});
  prune(100);
  BOOST_TEST(number("SELECT min(minute) FROM metric_minute") > 2);
}

BOOST_AUTO_TEST_CASE(names_without_events_are_pruned_with_the_last_of_them) {
  get(store->begin(kNow));
  for (int i = 0; i < 10; ++i) {
    const std::string type = "type-" + std::to_string(i);
    Event made = event(type, kNow - 10 * kDay + i);
    const std::string chat = "chat-" + std::to_string(i);
    made.chat_id = chat;
    get(store->append(made));
  }
  commit();
  Event young = event("type-3");
  young.chat_id = "chat-5";
  put(young);
  store->keep_within({.age_max_ms = kDay});
  BOOST_TEST(prune(4) == 4u);
  BOOST_TEST(chats() == 6);
  BOOST_TEST(number("SELECT count(*) FROM event_type") == 7);
  prune_all(100);
  BOOST_TEST(text("SELECT group_concat(name) FROM chat") == "chat-5");
  BOOST_TEST(text("SELECT group_concat(name) FROM event_type") == "type-3");
  // What was counted stays counted, also after the next start.
  const Metrics all{10, 1, 0, 0, 0, 0};
  BOOST_TEST((store->metrics(kNow) == all));
  open();
  BOOST_TEST((store->metrics(kNow) == all));
}

BOOST_AUTO_TEST_CASE(a_pruned_name_can_return_with_another_number) {
  Event old = event("old", kNow - 10 * kDay);
  old.chat_id = "c";
  put(old);
  const std::int64_t number_before = number("SELECT max(id) FROM chat");
  store->keep_within({.age_max_ms = kDay});
  prune_all(10);
  BOOST_TEST(chats() == 0);
  Event again = event("old");
  again.chat_id = "c";
  put(again);
  BOOST_TEST(number("SELECT max(id) FROM chat") > number_before);
  BOOST_TEST(text("SELECT event_type || chat_id FROM events") == "oldc");
}

BOOST_AUTO_TEST_CASE(names_that_an_older_picortex_left_are_found) {
  get(reader()->execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
      " INSERT INTO chat (name, last_seen_minute) SELECT 'left-' || i, i FROM n"));
  get(reader()->execute("INSERT INTO event_type (name) VALUES ('left')"));
  open();
  Event used = event("used");
  used.chat_id = "used";
  put(used);
  store->keep_within({.age_max_ms = kDay});
  prune_all(50);
  BOOST_TEST(text("SELECT group_concat(name) FROM chat") == "used");
  BOOST_TEST(text("SELECT group_concat(name) FROM event_type") == "used");
  BOOST_TEST(store->metrics(kNow).chats_total == 901);
}

BOOST_AUTO_TEST_CASE(a_rolled_back_prune_changes_nothing) {
  Event old = event("old", kNow - 10 * kDay);
  old.chat_id = "c";
  put(old);
  const Metrics before = store->metrics(kNow);
  store->keep_within({.age_max_ms = kDay});
  get(store->begin(kNow));
  BOOST_TEST(get(store->prune(kNow, 10)).events == 1u);
  store->rollback();
  BOOST_TEST(chats() == 1);
  BOOST_TEST((store->metrics(kNow) == before));
  BOOST_TEST(put(old));
  BOOST_TEST(text("SELECT group_concat(chat_id) FROM events") == "c,c");
}

BOOST_AUTO_TEST_CASE(chats_without_end_leave_room_for_new_events) {
  store->keep_within({.size_max = Retention::kSizeMaxMin});
  std::size_t pruned = 0;
  for (int batch = 0; batch < 90; ++batch) {
    const std::int64_t now_ms = kNow + batch;
    get(store->begin(now_ms));
    for (int row = 0; row < 1000; ++row) {
      Event made = event("linq.inbound", now_ms);
      const std::string chat = std::to_string(batch * 1000 + row) + std::string(220, 'c');
      made.chat_id = chat;
      get(store->append(made));
    }
    pruned += get(store->prune(now_ms, 1016)).events;
    commit();
    if (store->wants_to_copy_log()) get(store->copy_log());
  }
  BOOST_TEST(pruned > 0u);
  BOOST_TEST(chats() == 90'000 - static_cast<std::int64_t>(pruned));
  BOOST_TEST(number("SELECT max(key) >> 20 FROM event") == kNow + 89);
  BOOST_TEST(store->metrics(kNow).chats_total == 90'000);
  BOOST_TEST(store->oldest_by_size_ms() > kNow);
}

BOOST_AUTO_TEST_CASE(an_event_that_is_too_old_when_it_is_stored_stays_for_its_time) {
  store->keep_within({.age_max_ms = 30 * kDay});
  store->keep_appended(kNow - 30 * kDay, kNow + 30 * kDay);
  const std::int64_t long_ago = kNow - 2000 * kDay;
  put(event("backfill", long_ago));
  put(event("backfill", long_ago + kDay));
  put(event("before", kNow - 29 * kDay));
  prune_all(10);
  BOOST_TEST(events() == 3);
  open();
  store->keep_within({.age_max_ms = 30 * kDay});
  prune_all(10);
  BOOST_TEST(events() == 3);
  BOOST_TEST(prune(10, kNow + 2 * kDay) == 1u);
  BOOST_TEST(number("SELECT count(*) FROM events WHERE event_type = 'backfill'") == 2);
  BOOST_TEST(prune(10, kNow + 31 * kDay) == 2u);
}

BOOST_AUTO_TEST_CASE(open_event_types_are_not_deleted_at_once_in_a_full_database) {
  data = '"' + std::string(60'000, 'x') + '"';
  for (int i = 0; i < 20; ++i) store_events(50, kNow + i * 50, 1);
  store->keep_within({.size_max = Retention::kSizeMaxMin});
  prune_all(16);
  Event open = event("frontend", kNow + 5000);
  open.data = data;
  put(open);
  prune_all(16);
  BOOST_TEST(number("SELECT count(*) FROM events WHERE event_type = 'frontend'") == 1);
}

BOOST_AUTO_TEST_CASE(hosts_that_no_event_reports_of_are_pruned) {
  const auto attempt = [&](std::string_view host, std::int64_t time_ms) {
    const EgressAttempt tried{.host = host, .port = 443};
    Event made = event("egress.rejected", time_ms);
    made.egress = &tried;
    put(made);
  };
  attempt("old.example", kNow - 3 * kDay);
  attempt("young.example", kNow);
  store->keep_within({.age_max_ms = kDay});
  prune_all(10);
  BOOST_TEST(text("SELECT group_concat(name) FROM egress_host") == "young.example");
}

BOOST_AUTO_TEST_CASE(hosts_take_no_more_than_their_share_of_a_limited_size) {
  get(reader()->execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO"
      " egress_host SELECT 'host-' || i, 443, 6, 2, i, i, 1, NULL FROM n"));
  open();
  store->keep_within({.size_max = Retention::kSizeMaxMin});
  prune_all(500);
  BOOST_TEST(number("SELECT count(*) FROM egress_host") == (40 << 20) / 10 / 500);
  BOOST_TEST(number("SELECT max(last_seen_ms) FROM egress_host") == 9000);
}

BOOST_AUTO_TEST_CASE(what_is_deleted_before_a_consumer_has_it_is_counted_for_each) {
  store_events(10, kNow - 8 * kDay, kDay);
  store->keep_within({.age_max_ms = 3 * kDay});
  const std::int64_t epoch = store->arrival_epoch();
  const std::int64_t last = store->next_arrival() - 1;
  store->note_consumers({{"all", epoch, last},
                         {"three", epoch, last - 7},
                         {"none", epoch, kBeforeAllArrivals},
                         {"of another order", epoch + 1, last}});
  get(store->begin(kNow));
  const Pruned pruned = get(store->prune(kNow, 100));
  commit();
  BOOST_TEST(pruned.events == 5u);
  BOOST_TEST((pruned.lapsed == std::vector<std::int64_t>{0, 2, 5, 5}));
  // A slice without a deletion counts nothing again.
  get(store->begin(kNow));
  for (const std::int64_t count : get(store->prune(kNow, 100)).lapsed) BOOST_TEST(count == 0);
  commit();
}

BOOST_AUTO_TEST_SUITE_END()
