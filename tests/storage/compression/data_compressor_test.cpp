#include "storage/compression/data_compressor.h"

#include <string>
#include <vector>

#include "storage/query/event_reader.h"
#include "storage/query/query.h"
#include "storage/query/turn_reader.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

// More than a dictionary is made of.
constexpr int kEvents = 400;

struct CompressionFixture : StoreFixture {
  static std::string data_of(int number) {
    return R"({"service":"iMessage","direction":"inbound","handle":"+15551234567","number":)" +
           std::to_string(number) + R"(,"text":"words that only message )" +
           std::to_string(number * 7919) + (number % 2 == 0 ? R"( has"})" : R"( has of a zebra"})");
  }

  void open_compressing() {
    open();
    store->compress_data();
  }

  void put_message(int number) {
    const std::string data = data_of(number);
    Event made = event("linq.inbound", kNow + number);
    made.chat_id = number % 2 == 0 ? "chat-even" : "chat-odd";
    made.data = data;
    put(made);
  }

  void put_messages(int count = kEvents) {
    for (int number = 0; number < count; ++number) put_message(number);
  }

  std::vector<EventRow> rows(std::string_view text = "",
                             EventOrder order = EventOrder::newest_first) const {
    const auto events = get(EventReader::open(directory));
    EventFilter filter;
    filter.text = text;
    filter.order = order;
    EventQuery query(*events, filter);
    std::vector<EventRow> found;
    while (!query.is_done()) get(query.run(found, {.rows_max = 1000}));
    return found;
  }

  std::int64_t compressed() const {
    return number("SELECT count(*) FROM event WHERE compressed IS NOT NULL AND data IS NULL");
  }

  void change(const char* sql) const { get(reader()->execute(sql)); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(data_compressor, CompressionFixture)

BOOST_AUTO_TEST_CASE(it_compresses_what_comes_after_the_samples_and_all_is_read_as_it_was) {
  open_compressing();
  put_messages();
  BOOST_TEST(number("SELECT count(*) FROM dictionary") == 1);
  BOOST_TEST(compressed() == kEvents - std::int64_t{DictionaryBuilder::kSamples});
  const auto found = rows("", EventOrder::oldest_first);
  BOOST_REQUIRE(found.size() == std::size_t{kEvents});
  for (int i = 0; i < kEvents; ++i)
    BOOST_TEST(found[static_cast<std::size_t>(i)].data == data_of(i));
  BOOST_TEST(number("SELECT max(length(compressed)) FROM event") <
             number("SELECT min(length(data)) FROM event") / 2);
}

BOOST_AUTO_TEST_CASE(nothing_is_compressed_unless_it_is_said) {
  open();
  put_messages();
  BOOST_TEST(compressed() == 0);
  BOOST_TEST(number("SELECT count(*) FROM dictionary") == 0);
}

BOOST_AUTO_TEST_CASE(a_next_process_uses_the_dictionary_and_one_that_does_not_compress_reads_it) {
  open_compressing();
  put_messages();
  open_compressing();
  put_message(kEvents);
  BOOST_TEST(number("SELECT count(*) FROM dictionary") == 1);
  BOOST_TEST(compressed() == kEvents + 1 - std::int64_t{DictionaryBuilder::kSamples});
  open();
  put_message(kEvents + 1);
  const auto newest = rows();
  BOOST_TEST(newest.at(0).data == data_of(kEvents + 1));
  BOOST_TEST(newest.at(1).data == data_of(kEvents));
}

BOOST_AUTO_TEST_CASE(a_dictionary_of_a_transaction_that_is_rolled_back_is_not_used) {
  open_compressing();
  put_messages(static_cast<int>(DictionaryBuilder::kSamples) - 1);
  get(store->begin(kNow));
  const std::string data = data_of(1);
  Event made = event();
  made.data = data;
  get(store->append(made));
  store->rollback();
  BOOST_TEST(number("SELECT count(*) FROM dictionary") == 0);
  put_messages();
  BOOST_TEST(number("SELECT count(*) FROM dictionary") == 1);
  for (const EventRow& row : rows()) BOOST_TEST(row.data.starts_with("{\"service\""));
}

BOOST_AUTO_TEST_CASE(a_text_is_found_in_what_is_compressed) {
  open_compressing();
  put_messages(2000);
  const std::int64_t later = kNow + 2000 + TextIndex::kLateMs;
  while (store->wants_to_build(later)) {
    get(store->begin(later));
    get(store->build(later));
    commit();
  }
  BOOST_TEST(number("SELECT count(*) FROM text_block") >= 3);
  const std::string text = "only message " + std::to_string(1500 * 7919) + " has";
  const auto found = rows(text);
  BOOST_REQUIRE(found.size() == 1u);
  BOOST_TEST(found[0].data == data_of(1500));
  BOOST_TEST(rows("no such thing").empty());
  get(store->verify_sample(50));
}

BOOST_AUTO_TEST_CASE(short_data_stay_as_they_are) {
  open_compressing();
  for (int i = 0; i < kEvents; ++i) {
    Event made = event("log", kNow + i);
    made.data = R"({"status":200})";
    put(made);
  }
  BOOST_TEST(compressed() == 0);
}

BOOST_AUTO_TEST_CASE(the_dictionary_goes_with_the_last_event_of_its_type) {
  open_compressing();
  put_messages();
  store->keep_within({.age_max_ms = kDay, .size_max = 0});
  const std::int64_t later = kNow + 3 * kDay;
  while (get(store->wants_to_prune(later))) {
    get(store->begin(later));
    get(store->prune(later, 1000));
    commit();
  }
  BOOST_TEST(number("SELECT count(*) FROM event") == 0);
  BOOST_TEST(number("SELECT count(*) FROM event_type") == 0);
  BOOST_TEST(number("SELECT count(*) FROM dictionary") == 0);
}

BOOST_AUTO_TEST_CASE(forgetting_a_chat_leaves_nothing_of_it) {
  open_compressing();
  put_messages();
  get(store->begin(kNow));
  while (get(store->forget("chat-odd", 1000)).more) {
  }
  commit();
  for (const EventRow& row : rows()) BOOST_TEST(row.chat_id == "chat-even");
  BOOST_TEST(number("SELECT count(*) FROM dictionary WHERE instr(content, 'message')") == 1);
  BOOST_TEST(number("SELECT count(*) FROM dictionary WHERE instr(content, 'zebra')") == 0);
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_a_fault_and_no_more) {
  open_compressing();
  put_messages();
  store.reset();
  const auto newest = [&] {
    const auto events = get(EventReader::open(directory));
    EventRow row;
    return events->read(number("SELECT max(key) FROM event"), row);
  };
  get(newest());
  for (const char* sql :
       {"UPDATE event SET compressed = x'01' WHERE compressed IS NOT NULL",
        "UPDATE event SET compressed = x'ffffffffffffffffffff' WHERE compressed IS NOT NULL",
        "UPDATE event SET compressed = x'072050fcff' WHERE compressed IS NOT NULL",
        // a frame that says to have 4 GiB
        "UPDATE event SET compressed = x'01a0ffffffff0100' WHERE compressed IS NOT NULL",
        "UPDATE dictionary SET content = x'37a430ec0000000000000000000000000000'",
        "DELETE FROM dictionary"}) {
    change(sql);
    BOOST_TEST((fault_kind(newest()) == FaultKind::corrupt), sql);
  }
}

BOOST_AUTO_TEST_SUITE_END()
