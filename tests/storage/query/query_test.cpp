#include "storage/query/query.h"

#include <sys/stat.h>

#include <fstream>

#include "storage/event_id.h"
#include "storage/sqlite/schema.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

// A slice's time depends on the machine: only its other limits are tested.
constexpr std::chrono::seconds kNoHurry{60};

QueryBudget at_most(std::size_t rows_max) { return {.rows_max = rows_max, .time_max = kNoHurry}; }

struct QueryFixture : StoreFixture {
  QueryFixture() {
    open();
    get(store->begin(kNow));
    // One event a minute, oldest first; chat-0 has every third one, "linq.inbound" every second.
    for (int i = 0; i < 300; ++i) {
      Event made = event(i % 2 == 0 ? "linq.inbound" : "tmux.turn.start", kNow + i * kMinute);
      const std::string chat = "chat-" + std::to_string(i % 3);
      made.chat_id = chat;
      made.level = i % 10 == 0 ? Level::error : i % 5 == 0 ? Level::debug : Level::info;
      const std::string msg = "message " + std::to_string(i);
      made.msg = msg;
      made.data = i == 42 ? R"({"said":"\"Tea\" at four"})" : "";
      requests.push_back(made.request_id);
      get(store->append(made));
    }
    get(store->commit());
    event_reader = get(EventReader::open(directory));
  }

  // The events by number, and the cost, of the whole answer in one slice.
  std::vector<int> answer(EventFilter filter, std::size_t rows_max = 1000) {
    EventQuery query(*event_reader, std::move(filter));
    std::vector<EventRow> rows;
    get(query.run(rows, at_most(rows_max)));
    cost = query.cost();
    return numbers(rows);
  }

  static std::vector<int> numbers(const std::vector<EventRow>& rows) {
    std::vector<int> found;
    for (const EventRow& row : rows) found.push_back((row.time_ms - kNow) / kMinute);
    return found;
  }

  template <class Fits>
  static std::vector<int> expected(Fits fits, EventOrder order = EventOrder::newest_first) {
    std::vector<int> numbers;
    for (int i = 0; i < 300; ++i) {
      if (fits(i)) numbers.push_back(i);
    }
    if (order == EventOrder::newest_first) std::ranges::reverse(numbers);
    return numbers;
  }

  std::vector<Uuid> requests;
  std::unique_ptr<EventReader> event_reader;
  QueryCost cost;
};

EventFilter oldest_first() {
  EventFilter filter;
  filter.order = EventOrder::oldest_first;
  return filter;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(query, QueryFixture)

BOOST_AUTO_TEST_CASE(a_row_is_read_back_as_it_was_stored) {
  Event made = event("linq.inbound", kNow + 500 * kMinute);
  made.chat_id = "chat \xc3\xa9";
  made.msg = std::string_view("a\0b", 3);
  made.data = R"({"a":1})";
  made.level = Level::fatal;
  made.id = parse_uuid("8c1f2a3b-4d5e-4f60-8a7b-9c0d1e2f3a4b");  // not of version 7
  put(made);
  EventQuery query(*event_reader, {});
  std::vector<EventRow> rows;
  get(query.run(rows, at_most(1)));
  BOOST_REQUIRE(rows.size() == 1u);
  BOOST_TEST(to_string(rows[0].id) == "8c1f2a3b-4d5e-4f60-8a7b-9c0d1e2f3a4b");
  BOOST_TEST(rows[0].time_ms == kNow + 500 * kMinute);
  BOOST_TEST((rows[0].level == Level::fatal));
  BOOST_TEST(rows[0].event_type == "linq.inbound");
  BOOST_TEST((rows[0].request_id == made.request_id));
  BOOST_TEST(rows[0].chat_id == "chat \xc3\xa9");
  BOOST_TEST(rows[0].msg == std::string("a\0b", 3));
  BOOST_TEST(rows[0].data == R"({"a":1})");
  BOOST_TEST(*get(event_reader->find(*made.id)) == rows[0].key);
}

BOOST_AUTO_TEST_CASE(a_reason_that_was_renamed_is_read_under_its_name_of_today) {
  struct Stored {
    const char* event_type;
    const char* data;
    const char* read;
  };
  constexpr const char* kQuoted =
      R"({"command":"\"reason\":\"contradiction\"","reason":"permitted"})";
  const Stored all[] = {
      {"egress.rejected", R"({"host":"a","reason":"hidden_name","uid":1})",
       R"({"host":"a","reason":"encrypted_hello","uid":1})"},
      {"egress.new_host", R"({"reason":"crowded_out"})", R"({"reason":"flow_table_full"})"},
      {"egress.rejected", R"({"reason":"not_understood"})",
       R"({"reason":"unrecognized_protocol"})"},
      {"egress.rejected", R"({"reason":"contradiction"})",
       R"({"reason":"overlapping_segments_differ"})"},
      {"egress.rejected", R"({"reason":"not_followed"})", R"({"reason":"untracked_flow"})"},
      {"egress.rejected", R"({"reason":"address_disagrees"})",
       R"({"reason":"dns_address_mismatch"})"},
      {"egress.rejected", R"({"reason":"early_data"})", R"({"reason":"early_data"})"},
      {"egress.new_host", R"({"reason":"permitted","outcome":"refused"})",
       R"({"reason":"permitted","outcome":"denied"})"},
      {"egress.suppressed", R"({"names":3})", R"({"names":3})"},
      {"egress.allowed", kQuoted, kQuoted},
      {"router.decision", R"({"reason":"contradiction"})", R"({"reason":"contradiction"})"}};
  std::int64_t time_ms = kNow + 600 * kMinute;
  for (const Stored& one : all) {
    Event made = event(one.event_type, time_ms);
    made.data = one.data;
    put(made);
    EventQuery query(*event_reader, {});
    std::vector<EventRow> rows;
    get(query.run(rows, at_most(1)));
    BOOST_REQUIRE(rows.size() == 1u);
    BOOST_TEST(rows[0].data == one.read);
    time_ms += kMinute;
  }
  EventFilter filter;
  filter.text = "unrecognized_protocol";
  BOOST_TEST(answer(filter) == std::vector<int>{602});
}

BOOST_AUTO_TEST_CASE(every_filter_gives_what_it_says_in_both_orders) {
  for (const EventOrder order : {EventOrder::newest_first, EventOrder::oldest_first}) {
    EventFilter filter;
    filter.order = order;
    const auto all = expected([](int) { return true; }, order);
    BOOST_TEST(answer(filter) == all);
    filter.chat_id = "chat-1";
    BOOST_TEST(answer(filter) == expected([](int i) { return i % 3 == 1; }, order));
    filter.event_type = "linq.inbound";
    BOOST_TEST(answer(filter) == expected([](int i) { return i % 6 == 4; }, order));
    filter.level = Level::error;
    BOOST_TEST(answer(filter) == expected([](int i) { return i % 30 == 10; }, order));
    filter.since_ms = kNow + 40 * kMinute;  // inclusive
    filter.until_ms = kNow + 70 * kMinute;  // exclusive
    BOOST_TEST(answer(filter) == std::vector<int>{40});
    filter = {};
    filter.order = order;
    filter.event_type = "t*";
    BOOST_TEST(answer(filter) == expected([](int i) { return i % 2 == 1; }, order));
    filter.event_type = "*";
    BOOST_TEST(answer(filter) == all);
    filter.level = Level::info;
    BOOST_TEST(answer(filter) == expected([](int i) { return i % 10 != 5; }, order));
  }
}

BOOST_AUTO_TEST_CASE(text_is_found_in_msg_and_in_data_whatever_the_case) {
  EventFilter filter;
  filter.text = "MESSAGE 29";
  BOOST_TEST(answer(filter) == expected([](int i) { return i == 29 || i >= 290; }));
  filter.text = "\"tea\" AT";
  BOOST_TEST(answer(filter) == std::vector<int>{42});
  filter.text = "coffee";
  BOOST_TEST(answer(filter).empty());
}

BOOST_AUTO_TEST_CASE(what_does_not_exist_is_an_empty_answer) {
  EventFilter filter;
  filter.chat_id = "unknown";
  BOOST_TEST(answer(filter).empty());
  filter = {};
  filter.event_type = "nothing";
  BOOST_TEST(answer(filter).empty());
  filter.event_type = "nothing.*";
  BOOST_TEST(answer(filter).empty());
  filter = {};
  filter.request_id = Uuid{};
  BOOST_TEST(answer(filter).empty());
  filter = {};
  filter.since_ms = filter.until_ms;
  BOOST_TEST(answer(filter).empty());
  BOOST_TEST(cost.steps == 0);
}

BOOST_AUTO_TEST_CASE(result_pages_by_cursor_have_no_gap_and_no_duplicate) {
  for (const EventOrder order : {EventOrder::newest_first, EventOrder::oldest_first}) {
    EventFilter filter;
    filter.order = order;
    filter.chat_id = "chat-2";
    const auto whole = answer(filter);
    std::vector<int> pages;
    std::optional<std::int64_t> after;
    bool done = false;
    while (!done) {
      EventQuery query(*event_reader, filter, after);
      std::vector<EventRow> rows;
      get(query.run(rows, at_most(7)));
      const auto found = numbers(rows);
      pages.insert(pages.end(), found.begin(), found.end());
      done = query.is_done();
      if (!done) after = parse_cursor(format_cursor(rows.back().key));
    }
    BOOST_TEST(pages == whole);
  }
}

BOOST_AUTO_TEST_CASE(slices_of_any_size_add_up_to_the_same_answer) {
  EventFilter filter;
  filter.chat_id = "chat-0";
  filter.text = "message 1";
  const auto whole = answer(filter);
  for (const std::size_t steps : {1, 2, 3, 7}) {
    EventQuery query(*event_reader, filter);
    std::vector<EventRow> rows;
    while (!query.is_done()) {
      const auto before = query.cost().steps;
      get(query.run(rows, {.rows_max = 1000, .steps_max = steps, .time_max = kNoHurry}));
      // The last round may begin below the limit: a leap through each set, and a row.
      BOOST_TEST(query.cost().steps - before <= static_cast<std::int64_t>(steps) + 3);
    }
    BOOST_TEST(numbers(rows) == whole);
  }
  // A new query from the place that one has reached goes on there.
  EventQuery first(*event_reader, filter);
  std::vector<EventRow> rows;
  get(first.run(rows, {.rows_max = 1000, .steps_max = 50, .time_max = kNoHurry}));
  BOOST_TEST(!first.is_done());
  EventQuery second(*event_reader, filter, first.reached());
  get(second.run(rows, at_most(1000)));
  BOOST_TEST(numbers(rows) == whole);
}

BOOST_AUTO_TEST_CASE(the_rarest_condition_sets_the_cost) {
  put([&] {
    Event rare = event("rare", kNow + 10 * kMinute);
    rare.chat_id = "chat-0";
    rare.level = Level::fatal;
    return rare;
  }());
  EventFilter filter;
  filter.chat_id = "chat-0";
  filter.event_type = "rare";
  answer(filter);
  BOOST_TEST(cost.steps <= 8);
  BOOST_TEST(cost.rows_read == 1);
  filter = {};
  filter.request_id = requests[17];
  filter.level = Level::info;
  BOOST_TEST(answer(filter) == std::vector<int>{17});
  BOOST_TEST(cost.rows_read == 1);
  filter = {};
  filter.chat_id = "chat-0";
  filter.level = Level::fatal;
  BOOST_TEST(answer(filter) == std::vector<int>{10});
  BOOST_TEST(cost.rows_read == 1);
  filter = {};
  filter.since_ms = kNow + 100 * kMinute;
  filter.until_ms = kNow + 103 * kMinute;
  BOOST_TEST((answer(filter) == std::vector<int>{102, 101, 100}));
  BOOST_TEST(cost.rows_read == 3);
}

BOOST_AUTO_TEST_CASE(no_seek_scans_or_sorts) {
  for (const char* sql : EventReader::kSeekSql) {
    auto connection = reader();
    auto plan = get(connection->prepare(std::string("EXPLAIN QUERY PLAN ") + sql));
    int steps = 0;
    while (get(plan.step())) {
      ++steps;
      const std::string detail(plan.text(3));
      BOOST_TEST(detail.starts_with("SEARCH event USING "), sql << ": " << detail);
    }
    BOOST_TEST(steps == 1, sql);
  }
}

BOOST_AUTO_TEST_CASE(a_prefix_of_many_types_is_tried_on_the_rows) {
  get(store->begin(kNow));
  std::vector<std::string> types;
  for (int i = 0; i <= EventQuery::kUnionMax; ++i) types.push_back("many." + std::to_string(i));
  for (const std::string& type : types) {
    get(store->append(event(type, kNow + (400 + (&type - types.data())) * kMinute)));
  }
  get(store->commit());
  EventFilter filter;
  filter.event_type = "many.*";
  BOOST_TEST(answer(filter).size() == types.size());
  BOOST_TEST(cost.rows_read >= 300);
}

BOOST_AUTO_TEST_CASE(a_page_of_large_rows_ends_at_the_byte_limit) {
  const std::string large(100'000, 'x');
  get(store->begin(kNow));
  for (int i = 0; i < 5; ++i) {
    Event made = event("large", kNow);
    made.msg = large;
    get(store->append(made));
  }
  get(store->commit());
  EventFilter filter;
  filter.event_type = "large";
  EventQuery query(*event_reader, filter);
  std::vector<EventRow> rows;
  get(query.run(rows, {.bytes_max = 250'000, .time_max = kNoHurry}));
  BOOST_TEST(rows.size() == 3u);
  BOOST_TEST(!query.is_done());
}

BOOST_AUTO_TEST_CASE(nothing_is_pinned_between_slices) {
  EventQuery query(*event_reader, {});
  std::vector<EventRow> rows;
  get(query.run(rows, at_most(3)));
  put(event());
  // Were a reader in the log, a passive checkpoint could not copy all of it.
  const CheckpointProgress progress = get(store->checkpoint());
  BOOST_TEST(progress.copied == progress.frames);
  get(query.run(rows, at_most(6)));
  BOOST_TEST((numbers(rows) == std::vector<int>{299, 298, 297, 296, 295, 294}));
}

BOOST_AUTO_TEST_CASE(a_query_sees_events_stored_after_it_began) {
  EventQuery query(*event_reader, oldest_first());
  std::vector<EventRow> rows;
  get(query.run(rows, at_most(299)));
  put(event("late", kNow + 299 * kMinute));
  get(query.run(rows, at_most(1000)));
  BOOST_TEST(rows.size() == 301u);
}

BOOST_AUTO_TEST_CASE(keys_can_be_passed_over) {
  std::unordered_set<std::int64_t> known;
  {
    EventQuery query(*event_reader, {});
    std::vector<EventRow> rows;
    get(query.run(rows, at_most(298)));
    for (const EventRow& row : rows) known.insert(row.key);
  }
  EventQuery query(*event_reader, {});
  query.pass_over(known);
  std::vector<EventRow> rows;
  get(query.run(rows, at_most(1000)));
  BOOST_TEST((numbers(rows) == std::vector<int>{1, 0}));
  BOOST_TEST(query.cost().rows_read == 2);
}

BOOST_AUTO_TEST_CASE(cursors_that_are_not_ours_are_rejected) {
  BOOST_TEST(*parse_cursor(format_cursor(kNow << 20)) == kNow << 20);
  for (const char* text : {"", "-1", "xyz", "12 ", "7fffffffffffffff", "123456789abcdef01"}) {
    BOOST_TEST(!parse_cursor(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(reader_alongside_a_writer, StoreFixture)

BOOST_AUTO_TEST_CASE(opening_says_that_there_is_no_database_yet) {
  const auto opened = EventReader::open(directory);
  BOOST_TEST((fault_kind(opened) == FaultKind::open));
  BOOST_TEST(opened.error().what.find("there is no database yet") != std::string::npos);
  std::ofstream(path()).close();
  BOOST_TEST((fault_kind(EventReader::open(directory)) == FaultKind::open));
}

BOOST_AUTO_TEST_CASE(a_newer_schema_and_a_strange_file_are_rejected) {
  open();
  store.reset();
  get(reader()->execute("PRAGMA user_version = 99"));
  BOOST_TEST((fault_kind(EventReader::open(directory)) == FaultKind::newer_schema));
  std::filesystem::remove(path() + "-wal");
  std::ofstream(path()) << std::string(4096, 'x');
  BOOST_TEST((fault_kind(EventReader::open(directory)) == FaultKind::corrupt));
}

BOOST_AUTO_TEST_CASE(a_log_of_an_ended_process_is_read) {
  open();
  put(event());
  // What a killed daemon leaves: the files as they are in mid-flight.
  const std::string copy = directory + "/copy";
  std::filesystem::create_directory(copy);
  std::filesystem::copy(path(), copy + "/picortex.db");
  std::filesystem::copy(path() + "-wal", copy + "/picortex.db-wal");
  BOOST_TEST(std::filesystem::file_size(copy + "/picortex.db-wal") > 0u);
  auto opened = get(EventReader::open(copy));
  BOOST_TEST(
      get(opened->seek(EventReader::Index::all, 0, 0, EventOrder::oldest_first)).has_value());
}

// Opens it as a user who may only read, and counts its events.
std::size_t count_as_reader(const std::string& directory) {
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    chmod(file.path().c_str(), 0444);
  }
  chmod(directory.c_str(), 0555);
  const bool is_root = geteuid() == 0;
  if (is_root) BOOST_REQUIRE(seteuid(65534) == 0);
  auto opened = EventReader::open(directory);
  std::vector<EventRow> rows;
  StoreResult<void> done;
  if (opened) done = EventQuery(**opened, {}).run(rows, at_most(1000));
  if (is_root) BOOST_REQUIRE(seteuid(0) == 0);
  chmod(directory.c_str(), 0755);
  get(std::move(opened));
  get(std::move(done));
  return rows.size();
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_written_is_read) {
  open();
  put(event());
  put(event());
  // With what is in the log, as long as the daemon lives or when it was killed …
  BOOST_TEST(std::filesystem::file_size(path() + "-wal") > 0u);
  BOOST_TEST(count_as_reader(directory) == 2u);
  get(store->checkpoint());
  store.reset();
  // … and where there is none.
  std::filesystem::remove(path() + "-wal");
  std::filesystem::remove(path() + "-shm");
  BOOST_TEST(count_as_reader(directory) == 2u);
}

BOOST_AUTO_TEST_CASE(a_reader_cannot_write) {
  open();
  auto connection = get(Database::open_read_only(path()));
  const auto done = connection->execute("DELETE FROM event");
  BOOST_TEST((fault_kind(done) == FaultKind::read_only));
}

BOOST_AUTO_TEST_SUITE_END()
