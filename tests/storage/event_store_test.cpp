#include "storage/event_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "base/time/timestamp.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

BOOST_FIXTURE_TEST_SUITE(event_store, StoreFixture)

BOOST_AUTO_TEST_CASE(the_view_shows_an_event_as_people_read_it) {
  open();
  Event made = event("http.request", kNow + 7);
  made.level = Level::warn;
  made.chat_id = "chat-1";
  made.data = R"({"status":200})";
  put(made, kNow + 7);
  BOOST_TEST(text("SELECT time || ' ' || level || ' ' || event_type || ' ' || request_id || ' ' ||"
                  " chat_id || ' ' || msg || ' ' || data FROM events") ==
             "2026-11-17T14:00:00.007Z warn http.request " + to_string(made.request_id) +
                 R"( chat-1 hello {"status":200})");
  put(event());
  BOOST_TEST(number("SELECT count(*) FROM events WHERE chat_id IS NULL AND data IS NULL") == 1);
}

BOOST_AUTO_TEST_CASE(the_view_and_the_code_agree_on_ids_and_times) {
  open();
  for (const std::int64_t time_ms : {std::int64_t{0}, std::int64_t{999}, kNow, kLatestUnixMs}) {
    put(event("a", time_ms));
    put(event("a", time_ms));
  }
  const auto database = reader();
  auto rows = get(database->prepare("SELECT key, tail FROM event ORDER BY key"));
  auto shown = get(database->prepare("SELECT id, time FROM events"));
  int seen = 0;
  for (; get(rows.step()); ++seen) {
    BOOST_REQUIRE(get(shown.step()));
    const EventPlace place{rows.integer(0), rows.integer(1)};
    BOOST_TEST(shown.text(0) == to_string(event_id(place)));
    BOOST_TEST(shown.text(1) == iso_time(time_of(place.key)));
  }
  BOOST_TEST(seen == 8);
}

BOOST_AUTO_TEST_CASE(hostile_text_is_read_back_byte_for_byte) {
  open();
  using namespace std::string_view_literals;
  const std::string_view texts[] = {"a\0b"sv,
                                    "\n\r\x1b[31m"sv,
                                    "'); DROP TABLE event; --"sv,
                                    "\xff\xfe\xc0\x80"sv,
                                    "\xed\xa0\x80 \xe2\x80\xa8"sv,
                                    ""sv};
  for (const auto message : texts) {
    Event made = event(message.empty() ? "x" : message);
    made.msg = made.chat_id = made.data = message;
    put(made);
    put(made);
  }
  const auto database = reader();
  auto rows =
      get(database->prepare("SELECT msg, data, (SELECT name FROM event_type WHERE id = type), "
                            "(SELECT name FROM chat WHERE"
                            " id = chat) FROM event ORDER BY key"));
  for (const auto message : texts) {
    for (int i = 0; i < 2; ++i) {
      BOOST_REQUIRE(get(rows.step()));
      BOOST_TEST(rows.text(0) == message);
      BOOST_TEST(rows.text(1) == message);
      BOOST_TEST(rows.text(2) == (message.empty() ? "x" : message));
      BOOST_TEST(rows.text(3) == message);
    }
  }
  BOOST_TEST(number("SELECT count(*) FROM chat") == 5);
}

BOOST_AUTO_TEST_CASE(files_are_for_the_owner_alone_whatever_the_umask) {
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    std::filesystem::remove_all(path());
    const mode_t before = umask(mask);
    open();
    umask(before);
    for (const char* suffix : {"", "-wal", "-shm"}) {
      struct stat status;
      BOOST_REQUIRE(stat((path() + suffix).c_str(), &status) == 0);
      BOOST_TEST((status.st_mode & 07777) == 0600u, suffix);
    }
    store.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path() + suffix);
  }
}

BOOST_AUTO_TEST_CASE(events_of_one_millisecond_keep_their_order_also_across_a_restart) {
  std::string expected;
  for (int round = 0; round < 3; ++round) {
    open();
    for (int i = 0; i < 5; ++i) {
      const std::string message = std::to_string(round * 5 + i);
      Event made = event();
      made.msg = message;
      put(made);
      expected += (expected.empty() ? "" : ",") + message;
    }
  }
  BOOST_TEST(text("SELECT group_concat(msg) FROM (SELECT msg FROM event ORDER BY key)") ==
             expected);
}

BOOST_AUTO_TEST_CASE(a_full_millisecond_runs_over_into_the_next) {
  open();
  Event last = event();
  last.id = event_id({first_key_of(kNow + 1) - 1, 5});
  BOOST_TEST(put(last));
  BOOST_TEST(put(event()));  // sequence 0 is free
  Event taken = event();
  taken.id = event_id({first_key_of(kNow) + 1, 6});
  BOOST_TEST(put(taken));
  BOOST_TEST(put(event()));
  BOOST_TEST(put(event()));
  BOOST_TEST(number("SELECT group_concat(key - " + std::to_string(first_key_of(kNow + 1)) +
                    ") = '-1048576,-1048575,-1,0,1' FROM (SELECT key FROM event ORDER BY key)") ==
             1);
}

BOOST_AUTO_TEST_CASE(a_client_id_of_version_7_with_the_events_time_costs_no_column) {
  open();
  Event made = event();
  made.id = ids.next(kNow);
  BOOST_TEST(put(made));
  BOOST_TEST(number("SELECT client_id IS NULL FROM event") == 1);
  BOOST_TEST(text("SELECT id FROM events") == to_string(*made.id));
}

BOOST_AUTO_TEST_CASE(events_that_are_restored_are_where_they_were_whatever_place_their_ids_say) {
  open();
  Event first = event();
  first.id = event_id({first_key_of(kNow) + 500, 1});
  put(first);
  Event second = event();
  second.id = event_id({first_key_of(kNow) + 500, 2});  // the same place: it gets another
  put(second);
  const std::string keys =
      "SELECT group_concat(key || coalesce(hex(client_id), '')) FROM"
      " (SELECT key, client_id FROM event ORDER BY key)";
  const std::string before = text(keys);
  BOOST_TEST(number("SELECT min(key) FROM event") == first_key_of(kNow));
  store.reset();
  std::filesystem::remove(path());
  open();
  second.sequence = 0;
  first.sequence = 500;
  put(second);
  put(first);
  BOOST_TEST(text(keys) == before);
}

BOOST_AUTO_TEST_CASE(any_other_client_id_is_kept_in_addition_to_the_key) {
  open();
  Event random = event();
  random.id = parse_uuid("9f3c2a10-5b7e-4c1d-8a2f-0123456789ab");
  Event other_time = event("linq.inbound", kNow + 1);
  other_time.id = ids.next(kNow);
  Event nil = event("linq.inbound", kNow + 2);
  nil.id = Uuid{};
  for (const Event& made : {random, other_time, nil}) BOOST_TEST(put(made));
  BOOST_TEST(number("SELECT count(client_id) FROM event") == 3);
  BOOST_TEST(text("SELECT group_concat(id) FROM events") ==
             to_string(*random.id) + "," + to_string(*other_time.id) + "," + to_string(*nil.id));
}

BOOST_AUTO_TEST_CASE(a_repeat_is_stored_once_in_a_transaction_later_and_after_a_restart) {
  open();
  Event native = event("tmux.turn.start");
  native.chat_id = "chat-1";
  native.id = ids.next(kNow);
  Event foreign = event();
  foreign.id = parse_uuid("9f3c2a10-5b7e-4c1d-8a2f-0123456789ab");
  get(store->begin(kNow));
  for (const Event& made : {native, foreign}) {
    BOOST_TEST(get(store->append(made)));
    BOOST_TEST(!get(store->append(made)));
  }
  get(store->commit());
  BOOST_TEST(!put(native));
  BOOST_TEST(!put(foreign));
  open();
  BOOST_TEST(!put(native));
  BOOST_TEST(!put(foreign));
  BOOST_TEST(number("SELECT count(*) FROM event") == 2);
  BOOST_TEST((store->metrics(kNow) == Metrics{1, 1, 1, 1, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_repeat_under_another_time_is_still_a_repeat) {
  open();
  Event native = event();
  native.id = ids.next(kNow);
  BOOST_TEST(put(native));
  native.time_ms = kNow + 5000;
  BOOST_TEST(!put(native));

  Event foreign = event("linq.inbound", kNow + 5000);
  foreign.id = ids.next(kNow);
  BOOST_TEST(put(foreign));
  foreign.time_ms = kNow;  // now the id would be a native one
  BOOST_TEST(!put(foreign));
  BOOST_TEST(number("SELECT count(*) FROM event") == 2);
}

BOOST_AUTO_TEST_CASE(an_id_that_the_store_made_is_known_when_a_client_sends_it) {
  open();
  put(event());
  Event made = event();
  made.id = parse_uuid(text("SELECT id FROM events"));
  BOOST_TEST(!put(made));
}

BOOST_AUTO_TEST_CASE(two_ids_that_want_one_key_are_both_stored) {
  open();
  Event first = event();
  first.id = event_id({first_key_of(kNow), 0});
  Event second = event();
  second.id = event_id({first_key_of(kNow), 1});
  BOOST_TEST(put(second));
  BOOST_TEST(put(first));
  BOOST_TEST(!put(first));
  BOOST_TEST(!put(second));
  BOOST_TEST(number("SELECT count(DISTINCT id) FROM events") == 2);
  BOOST_TEST(number("SELECT count(client_id) FROM event") == 1);
}

BOOST_AUTO_TEST_CASE(the_place_of_a_foreign_id_is_not_its_id) {
  open();
  Event foreign = event();
  foreign.id = parse_uuid("9f3c2a10-5b7e-4c1d-8a2f-0123456789ab");
  put(foreign);  // at sequence 0 with tail 0
  Event made = event();
  made.id = event_id({first_key_of(kNow), 0});
  BOOST_TEST(put(made));
}

BOOST_AUTO_TEST_CASE(rollback_leaves_nothing) {
  open();
  Event made = event("tmux.turn.start");
  made.chat_id = "chat-1";
  made.id = ids.next(kNow);
  get(store->begin(kNow));
  get(store->append(made));
  store->rollback();
  store->rollback();
  BOOST_TEST((store->metrics(kNow) == Metrics{}));
  BOOST_TEST(number("SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM chat)") == 0);
  BOOST_TEST(put(made));
  BOOST_TEST(number("SELECT count(*) FROM events WHERE event_type = 'tmux.turn.start' AND"
                    " chat_id = 'chat-1'") == 1);
  BOOST_TEST(store->metrics(kNow).chats_total == 1);
}

BOOST_AUTO_TEST_CASE(more_names_than_are_remembered_stay_right) {
  open();
  const int names = static_cast<int>(NameInterner::kRememberedMax) + 100;
  for (int round = 0; round < 2; ++round) {
    get(store->begin(kNow));
    for (int i = 0; i < names; ++i) {
      const std::string name = "n" + std::to_string(i);
      Event made = event(name, kNow + round * kMinute);
      made.chat_id = name;
      get(store->append(made));
    }
    get(store->commit());
  }
  BOOST_TEST(number("SELECT count(*) FROM events WHERE event_type = chat_id") == 2 * names);
  BOOST_TEST(number("SELECT count(*) FROM chat") == names);
  BOOST_TEST(store->metrics(kNow).chats_active_7d == names);
}

BOOST_AUTO_TEST_CASE(what_was_committed_survives_a_kill_in_mid_transaction) {
  for (int round = 0; round < 5; ++round) {
    const pid_t child = fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
      auto own = EventStore::open(directory, kNow);
      if (!own) _exit(1);
      for (int transaction = 0; transaction < 21; ++transaction) {
        if (!(*own)->begin(kNow)) _exit(2);
        for (int i = 0; i < 10; ++i) {
          Event made = event("tmux.turn.start", kNow + transaction);
          made.chat_id = transaction < 20 ? "kept" : "lost";
          if (!(*own)->append(made)) _exit(3);
        }
        if (transaction == 20) raise(SIGKILL);
        if (!(*own)->commit()) _exit(4);
      }
    }
    int status = 0;
    BOOST_REQUIRE(waitpid(child, &status, 0) == child);
    BOOST_REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    open();
    const std::int64_t expected = (round + 1) * 200;
    BOOST_TEST(number("SELECT count(*) FROM events WHERE chat_id = 'kept'") == expected);
    BOOST_TEST(number("SELECT count(*) FROM event") == expected);
    BOOST_TEST(store->metrics(kNow).turns_total == expected);
    BOOST_TEST(store->metrics(kNow).turns_last_24h == expected);
    BOOST_TEST(store->metrics(kNow).chats_total == 1);
    BOOST_TEST(text("PRAGMA integrity_check") == "ok");
    store.reset();
  }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_copies_the_log_and_readers_only_slow_it) {
  open();
  for (int i = 0; i < 50; ++i) put(event());
  BOOST_TEST(store->wal().frames > 0);
  auto done = get(store->checkpoint());
  BOOST_TEST(done.frames == done.copied);

  const auto pinned = reader();
  get(pinned->execute("BEGIN"));
  BOOST_TEST(get(pinned->integer_of("SELECT count(*) FROM event")) == 50);
  for (int i = 0; i < 50; ++i) put(event());
  done = get(store->checkpoint());
  BOOST_TEST(done.copied < done.frames);
  BOOST_TEST(get(pinned->integer_of("SELECT count(*) FROM event")) == 50);
  get(pinned->execute("COMMIT"));
  done = get(store->checkpoint());
  BOOST_TEST(done.frames == done.copied);
  const int before = done.frames;
  put(event());
  BOOST_TEST(store->wal().frames < before);  // the log has restarted
  BOOST_TEST(store->wal().copied == 0);
}

BOOST_AUTO_TEST_CASE(the_sizes_are_those_of_the_files_and_the_log_can_be_synced) {
  open();
  const auto before = store->log_size();
  put(event());
  get(store->sync_log());
  const auto log_size = static_cast<std::int64_t>(std::filesystem::file_size(path() + "-wal"));
  BOOST_TEST(store->log_size() > before);
  BOOST_TEST(store->log_size() == log_size);
  BOOST_TEST(store->size_on_disk() ==
             log_size + static_cast<std::int64_t>(std::filesystem::file_size(path())));
}

BOOST_AUTO_TEST_CASE(the_planned_queries_use_their_indexes) {
  open();
  put(event());
  const std::pair<const char*, const char*> queries[] = {
      {"SELECT * FROM event WHERE chat = ?1 AND key BETWEEN ?2 AND ?3 ORDER BY key",
       "SEARCH event USING INDEX event_by_chat (chat=? AND rowid>? AND rowid<?)"},
      {"SELECT * FROM event WHERE request = ?1 ORDER BY key",
       "SEARCH event USING INDEX event_by_request (request=?)"},
      {"SELECT * FROM event WHERE type IN (SELECT id FROM event_type WHERE name >= 'linq.' AND"
       " name < 'linq/') AND key BETWEEN ?1 AND ?2",
       "SEARCH event USING INDEX event_by_type (type=? AND rowid>? AND rowid<?)"},
      {"SELECT * FROM event WHERE level >= 40 AND level IN (50, 60) AND key BETWEEN ?1 AND ?2",
       "SEARCH event USING INDEX event_by_level (level=? AND rowid>? AND rowid<?)"},
      {"SELECT * FROM event WHERE key < ?1 ORDER BY key DESC LIMIT 100",
       "SEARCH event USING INTEGER PRIMARY KEY (rowid<?)"},
      {"SELECT 1 FROM event WHERE key >= (SELECT min(key) FROM event) LIMIT 1",
       "SEARCH event USING INTEGER PRIMARY KEY (rowid>?)"},
      {"SELECT 1 FROM event WHERE client_id = ?1",
       "SEARCH event USING COVERING INDEX event_by_client_id (client_id=?)"}};
  const auto database = reader();
  for (const auto& [sql, step] : queries) {
    auto rows = get(database->prepare(std::string("EXPLAIN QUERY PLAN ") + sql));
    BOOST_REQUIRE(get(rows.step()));
    BOOST_TEST(rows.text(3) == step);
    rows.reset();
  }
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_known_by_the_request_that_brought_it) {
  open();
  // An id that says its place, and two that do not.
  for (const Uuid& id : {ids.next(kNow), *parse_uuid("6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
                         ids.next(kNow - kDay)}) {
    Event first = event();
    first.id = id;
    first.request_id = ids.next(kNow);
    get(store->begin(kNow));
    BOOST_TEST(get(store->append(first)));
    get(store->commit());
    for (int round = 0; round < 2; ++round) {
      Event again = first;
      again.request_id = ids.next(kNow);
      get(store->begin(kNow));
      BOOST_TEST(!get(store->append(again)));
      BOOST_TEST((store->last_duplicate() == first.request_id));
      get(store->commit());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
