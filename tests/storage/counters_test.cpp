#include "storage/counters.h"

#include <random>

#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

struct CountersFixture : StoreFixture {
  void put_in_chat(std::string_view chat, std::int64_t time_ms, std::int64_t now_ms) {
    Event made = event("linq.inbound", time_ms);
    made.chat_id = chat;
    put(made, now_ms);
  }

  // The counters as the view says, for events none of which is later than `now_ms`.
  Metrics counted(std::int64_t now_ms) const {
    const std::int64_t minute = now_ms / kMinute;
    const std::string day = std::to_string((minute - 1439) * kMinute);
    const std::string week = std::to_string((minute - 10079) * kMinute);
    const auto database = reader();
    const auto count = [&](const std::string& what, const std::string& since) {
      return get(database->integer_of("SELECT " + what +
                                      " AND time >= strftime('%Y-%m-%dT%H:%M:%S', " + since +
                                      " / 1000, 'unixepoch') || '.000Z'"));
    };
    const std::string chats = "count(DISTINCT chat_id) FROM events WHERE 1";
    const std::string turns = "count(*) FROM events WHERE event_type = 'tmux.turn.start'";
    return {count(chats, "0"),
            count(chats, week),
            count(turns, "0"),
            count(turns, day),
            count("count(*) FROM events WHERE event_type = 'discriminator.decision' AND"
                  " json_extract(data, '$.decision') = 'skip'",
                  day),
            count("count(*) FROM events WHERE level IN ('error', 'fatal')", day)};
  }

  Metrics written() const {
    const auto value = [&](const char* name) {
      return number(std::string("SELECT value FROM metrics WHERE name = '") + name + "'");
    };
    return {value("chats_total"),    value("chats_active_7d"),           value("turns_total"),
            value("turns_last_24h"), value("discriminator_skipped_24h"), value("errors_last_24h")};
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(counters, CountersFixture)

BOOST_AUTO_TEST_CASE(each_event_counts_where_it_belongs) {
  open();
  put(event("tmux.turn.start"));
  Event skip = event("discriminator.decision");
  put(skip);
  skip = event("discriminator.decision");
  skip.decision_skip = true;
  put(skip);
  Event liar = event("linq.inbound");
  liar.decision_skip = true;
  put(liar);
  for (const Level level : {Level::warn, Level::error, Level::fatal}) {
    Event made = event();
    made.level = level;
    put(made);
  }
  put_in_chat("a", kNow, kNow);
  put_in_chat("a", kNow, kNow);
  put_in_chat("b", kNow, kNow);
  BOOST_TEST((store->metrics(kNow) == Metrics{2, 2, 1, 1, 1, 2}));
}

BOOST_AUTO_TEST_CASE(the_day_window_keeps_1440_minutes_with_the_current_one) {
  open();
  put(event("tmux.turn.start", kNow + kMinute - 1), kNow + kMinute - 1);
  BOOST_TEST(store->metrics(kNow + kDay - 1).turns_last_24h == 1);
  BOOST_TEST(store->metrics(kNow + kDay).turns_last_24h == 0);
  BOOST_TEST(store->metrics(kNow + kDay).turns_total == 1);
}

BOOST_AUTO_TEST_CASE(the_week_window_keeps_10080_minutes_and_a_chat_seen_again_stays) {
  open();
  put_in_chat("a", kNow, kNow);
  put_in_chat("b", kNow, kNow);
  put_in_chat("b", kNow + kDay, kNow + kDay);
  put_in_chat("b", kNow + 5, kNow + kDay);  // late: changes nothing
  BOOST_TEST(store->metrics(kNow + 7 * kDay - 1).chats_active_7d == 2);
  BOOST_TEST(store->metrics(kNow + 7 * kDay).chats_active_7d == 1);
  BOOST_TEST(store->metrics(kNow + 8 * kDay).chats_active_7d == 0);
  BOOST_TEST(store->metrics(kNow + 8 * kDay).chats_total == 2);
}

BOOST_AUTO_TEST_CASE(a_long_pause_empties_all_windows_at_once) {
  open();
  put(event("tmux.turn.start"));
  put_in_chat("a", kNow, kNow);
  BOOST_TEST((store->metrics(kNow + 1000 * kDay) == Metrics{1, 0, 1, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(what_is_older_than_a_window_counts_in_the_totals_only) {
  open();
  put(event("tmux.turn.start", kNow - kDay));
  put(event("tmux.turn.start", 0));
  put_in_chat("old", kNow - 7 * kDay, kNow);
  BOOST_TEST((store->metrics(kNow) == Metrics{1, 0, 2, 0, 0, 0}));
  put_in_chat("old", kNow, kNow);
  BOOST_TEST(store->metrics(kNow).chats_active_7d == 1);
}

BOOST_AUTO_TEST_CASE(what_is_later_than_now_counts_now_in_memory_and_in_the_tables) {
  open();
  put(event("tmux.turn.start", kNow + 30 * kDay));
  put_in_chat("a", kNow + 30 * kDay, kNow);
  const Metrics now{1, 1, 1, 1, 0, 0};
  BOOST_TEST((store->metrics(kNow) == now));
  open();
  BOOST_TEST((store->metrics(kNow) == now));
  BOOST_TEST((store->metrics(kNow + 7 * kDay) == Metrics{1, 0, 1, 0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_ahead_is_forgiven_at_the_next_start) {
  open(kNow + 30 * kDay);
  put(event("tmux.turn.start", kNow), kNow + 30 * kDay);
  put(event("tmux.turn.start", kNow + 30 * kDay), kNow + 30 * kDay);
  put_in_chat("a", kNow + 30 * kDay, kNow + 30 * kDay);
  open(kNow);
  BOOST_TEST((store->metrics(kNow) == Metrics{1, 1, 2, 1, 0, 0}));
  put(event("tmux.turn.start", kNow));
  open(kNow);
  BOOST_TEST((store->metrics(kNow) == Metrics{1, 1, 3, 2, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_clock_set_back_moves_the_counters_back) {
  for (const std::int64_t step : {400 * kDay, kDay, 3 * kMinute}) {
    open();
    put(event("tmux.turn.start", kNow));
    put_in_chat("a", kNow, kNow);
    const Metrics before = store->metrics(kNow);
    BOOST_TEST(store->metrics(kNow + step).turns_total == before.turns_total);
    put(event("tmux.turn.start", kNow + step), kNow + step);
    put_in_chat("ahead", kNow + step, kNow + step);
    // The next transaction after the clock was set back counts again.
    BOOST_TEST(store->wants_to_save_metrics(kNow));
    put_in_chat("a", kNow, kNow);
    Metrics after = before;
    after.chats_total = after.chats_active_7d = 2;
    ++after.turns_total;
    ++after.turns_last_24h;
    BOOST_TEST((store->metrics(kNow) == after), "step " << step);
    open();
    BOOST_TEST((store->metrics(kNow) == after), "step " << step);
  }
}

BOOST_AUTO_TEST_CASE(a_step_back_that_is_rolled_back_is_made_again) {
  open();
  put(event("tmux.turn.start", kNow));
  BOOST_TEST(store->metrics(kNow + 2 * kDay).turns_last_24h == 0);
  get(store->begin(kNow));
  store->rollback();
  BOOST_TEST(store->wants_to_save_metrics(kNow));
  put(event("x"));
  BOOST_TEST(store->metrics(kNow).turns_last_24h == 1);
}

BOOST_AUTO_TEST_CASE(the_good_time_is_kept_for_the_next_process) {
  open();
  BOOST_TEST(!store->good_time_ms().has_value());
  store->note_good_time(kNow + 5);
  BOOST_TEST(store->wants_to_save_metrics(kNow));
  save_metrics(kNow);
  open(kNow + 400 * kDay);
  BOOST_TEST(store->good_time_ms().value() == kNow + 5);
  // One that an older picortex made says when it was written last.
  get(reader()->execute("DELETE FROM total WHERE name = 'good_time_ms'"));
  get(reader()->execute("UPDATE metrics SET updated_ms = 7"));
  open();
  BOOST_TEST(store->good_time_ms().value() == 7);
}

BOOST_AUTO_TEST_CASE(random_events_agree_with_the_view_in_memory_after_restarts_and_as_time_goes) {
  std::mt19937_64 random(7);
  std::int64_t now_ms = kNow;
  open(now_ms);
  for (int round = 0; round < 60; ++round) {
    now_ms += static_cast<std::int64_t>(random() % (kDay / 3));
    get(store->begin(now_ms));
    for (std::uint64_t i = random() % 20; i > 0; --i) {
      static constexpr const char* kTypes[] = {"tmux.turn.start", "discriminator.decision", "x"};
      Event made = event(
          kTypes[random() % 3],
          now_ms - static_cast<std::int64_t>(random() % (random() % 2 ? kMinute : 10 * kDay)));
      const std::string chat = "c" + std::to_string(random() % 30);
      if (random() % 4 != 0) made.chat_id = chat;
      made.level = random() % 3 == 0 ? Level::error : Level::info;
      made.decision_skip = made.event_type == "discriminator.decision" && random() % 2 == 0;
      made.data = made.decision_skip ? R"({"decision":"skip"})" : R"({"decision":"reply"})";
      BOOST_REQUIRE(get(store->append(made)));
    }
    if (random() % 4 == 0) {
      store->rollback();
    } else {
      get(store->commit());
    }
    if (random() % 5 == 0) open(now_ms);
    BOOST_TEST_REQUIRE((store->metrics(now_ms) == counted(now_ms)), "round " << round);
    save_metrics(now_ms);
    BOOST_TEST_REQUIRE((written() == counted(now_ms)), "round " << round);
  }
}

BOOST_AUTO_TEST_CASE(metrics_are_written_when_they_change_and_only_those) {
  open();
  BOOST_TEST(number("SELECT count(*) FROM metrics WHERE updated_ms = " + std::to_string(kNow)) ==
             6);
  put(event("tmux.turn.start"));
  save_metrics(kNow + 5);
  BOOST_TEST((written() == store->metrics(kNow)));
  BOOST_TEST(text("SELECT group_concat(name) FROM (SELECT name FROM metrics WHERE updated_ms > " +
                  std::to_string(kNow) + " ORDER BY name)") == "turns_last_24h,turns_total");
  const int frames = store->wal().frames;
  save_metrics(kNow + 9);
  BOOST_TEST(store->wal().frames == frames);
}

BOOST_AUTO_TEST_CASE(absurd_stats_in_the_tables_do_no_harm) {
  open();
  store.reset();
  get(reader()->execute(
      "INSERT INTO metric_minute VALUES (29915399, 9223372036854775807, -5, -9223372036854775808),"
      " (-7, 1, 1, 1), (29915398, 9223372036854775807, 3, 0);"
      "INSERT INTO chat (name, last_seen_minute) VALUES ('a', -9223372036854775807), ('b', -1);"
      "UPDATE total SET value = -3"));
  open();
  BOOST_TEST(store->metrics(kNow).chats_total == 2);
  BOOST_TEST(store->metrics(kNow).chats_active_7d == 0);
  BOOST_TEST(store->metrics(kNow).discriminator_skipped_24h == 3);
  BOOST_TEST(store->metrics(kNow).errors_last_24h == 0);
  put_in_chat("a", kNow, kNow);
  BOOST_TEST(store->metrics(kNow).chats_active_7d == 1);
}

BOOST_AUTO_TEST_SUITE_END()
