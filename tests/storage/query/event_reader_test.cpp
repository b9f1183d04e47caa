#include "storage/query/event_reader.h"

#include <algorithm>

#include "storage/event_id.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;
using Index = EventReader::Index;

namespace {

struct ReaderFixture : StoreFixture {
  ReaderFixture() { open(); }

  std::unique_ptr<EventReader> open_reader() const { return get(EventReader::open(directory)); }

  // Stores an event, and returns its key.
  std::int64_t key_of(const Event& made) {
    BOOST_REQUIRE(put(made));
    return number("SELECT max(key) FROM event");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_reader, ReaderFixture)

BOOST_AUTO_TEST_CASE(an_event_is_read_back_as_it_was_stored) {
  Event made = event("linq.inbound", kNow + 7);
  made.level = Level::warn;
  made.chat_id = "chat-1";
  made.msg = std::string_view("a\0b\n", 4);
  made.data = R"({"a":1})";
  const std::int64_t key = key_of(made);
  const auto reader = open_reader();
  EventRow row;
  BOOST_REQUIRE(get(reader->read(key, row)));
  BOOST_TEST(row.key == key);
  BOOST_TEST(row.time_ms == kNow + 7);
  BOOST_TEST((row.level == Level::warn));
  BOOST_TEST(row.event_type == "linq.inbound");
  BOOST_TEST(row.chat_id == "chat-1");
  BOOST_TEST(row.msg == made.msg);
  BOOST_TEST(row.data == made.data);
  BOOST_TEST((row.request_id == made.request_id));
}

BOOST_AUTO_TEST_CASE(a_row_that_is_used_again_keeps_nothing_of_the_event_before) {
  Event rich = event("linq.inbound", kNow);
  rich.chat_id = "chat-1";
  rich.data = R"({"a":1})";
  const std::int64_t first = key_of(rich);
  const std::int64_t second = key_of(event("tmux.turn.start", kNow + 1));
  const auto reader = open_reader();
  EventRow row;
  BOOST_REQUIRE(get(reader->read(first, row)));
  BOOST_REQUIRE(get(reader->read(second, row)));
  BOOST_TEST(row.chat_id == "");
  BOOST_TEST(row.data == "");
  BOOST_TEST(!get(reader->read(second + 1, row)));
}

BOOST_AUTO_TEST_CASE(an_event_is_found_by_its_own_id_and_by_the_clients) {
  const std::int64_t plain = key_of(event());
  Event named = event("linq.inbound", kNow + 1);
  named.id = ids.next(kNow);
  const std::int64_t key = key_of(named);
  const auto reader = open_reader();
  EventRow row;
  BOOST_REQUIRE(get(reader->read(plain, row)));
  BOOST_TEST(get(reader->find(row.id)).value() == plain);
  BOOST_TEST(get(reader->find(*named.id)).value() == key);
  BOOST_REQUIRE(get(reader->read(key, row)));
  BOOST_TEST((row.id == *named.id));
  BOOST_TEST(!get(reader->find(ids.next(kNow))).has_value());
}

BOOST_AUTO_TEST_CASE(seeking_finds_the_nearest_event_at_or_after_a_key_in_either_order) {
  const std::int64_t first = key_of(event("a", kNow));
  const std::int64_t last = key_of(event("a", kNow + 10));
  const auto reader = open_reader();
  const auto seek = [&](std::int64_t from, EventOrder order) {
    return get(reader->seek(Index::all, 0, from, order)).value_or(-1);
  };
  BOOST_TEST(seek(first, EventOrder::oldest_first) == first);
  BOOST_TEST(seek(first + 1, EventOrder::oldest_first) == last);
  BOOST_TEST(seek(last + 1, EventOrder::oldest_first) == -1);
  BOOST_TEST(seek(last, EventOrder::newest_first) == last);
  BOOST_TEST(seek(last - 1, EventOrder::newest_first) == first);
  BOOST_TEST(seek(first - 1, EventOrder::newest_first) == -1);
}

BOOST_AUTO_TEST_CASE(seeking_by_a_value_passes_over_events_that_have_another) {
  Event in_chat = event("a", kNow);
  in_chat.chat_id = "chat-1";
  const std::int64_t chat_key = key_of(in_chat);
  Event failed = event("b", kNow + 1);
  failed.level = Level::error;
  const std::int64_t error_key = key_of(failed);
  key_of(event("c", kNow + 2));
  const auto reader = open_reader();
  const auto seek = [&](Index index, std::int64_t value) {
    return get(reader->seek(index, value, INT64_MAX, EventOrder::newest_first)).value_or(-1);
  };
  BOOST_TEST(seek(Index::chat, get(reader->chat_number("chat-1")).value()) == chat_key);
  BOOST_TEST(seek(Index::event_type, get(reader->type_number("b")).value()) == error_key);
  BOOST_TEST(seek(Index::level, static_cast<std::int64_t>(Level::error)) == error_key);
  BOOST_TEST(seek(Index::level, static_cast<std::int64_t>(Level::fatal)) == -1);
  BOOST_TEST(get(reader->seek_request(failed.request_id, 0, EventOrder::oldest_first)).value() ==
             error_key);
}

BOOST_AUTO_TEST_CASE(names_have_numbers_once_an_event_has_them) {
  key_of(event("egress.allowed"));
  key_of(event("egress.rejected"));
  key_of(event("egresso"));
  const auto reader = open_reader();
  BOOST_TEST(!get(reader->chat_number("chat-1")).has_value());
  BOOST_TEST(!get(reader->type_number("egress.")).has_value());
  BOOST_TEST(get(reader->type_numbers("egress.", 10)).size() == 2u);
  BOOST_TEST(get(reader->type_numbers("egress", 10)).size() == 3u);
  BOOST_TEST(get(reader->type_numbers("egress", 2)).size() == 2u);
  BOOST_TEST(get(reader->type_numbers("egress.%", 10)).empty());
}

BOOST_AUTO_TEST_CASE(requests_are_found_by_the_range_of_their_ids) {
  const Event first = event("a", kNow);
  const Event second = event("a", kNow + 1);
  key_of(first);
  key_of(second);
  const auto reader = open_reader();
  const auto low = std::min(first.request_id, second.request_id);
  const auto high = std::max(first.request_id, second.request_id);
  const auto both = get(reader->find_requests(low, high));
  BOOST_REQUIRE(both.has_value());
  BOOST_TEST((both->first == low));
  BOOST_TEST((both->second == high));
  const auto one = get(reader->find_requests(high, high));
  BOOST_REQUIRE(one.has_value());
  BOOST_TEST((one->first == high && one->second == high));
  Uuid beyond = high;
  ++beyond.bytes.back();
  BOOST_TEST(!get(reader->find_requests(beyond, beyond)).has_value());
}

BOOST_AUTO_TEST_CASE(between_begin_and_end_the_database_stands_still) {
  const std::int64_t first = key_of(event("a", kNow));
  const auto reader = open_reader();
  const auto newest = [&] {
    return get(reader->seek(Index::all, 0, INT64_MAX, EventOrder::newest_first)).value();
  };
  get(reader->begin());
  BOOST_TEST(newest() == first);
  const std::int64_t second = key_of(event("a", kNow + 1));
  BOOST_TEST(newest() == first);
  reader->end();
  BOOST_TEST(newest() == second);
}

BOOST_AUTO_TEST_CASE(another_connections_commit_changes_the_version) {
  const auto reader = open_reader();
  const std::int64_t before = get(reader->data_version());
  BOOST_TEST(get(reader->data_version()) == before);
  key_of(event());
  BOOST_TEST(get(reader->data_version()) != before);
}

BOOST_AUTO_TEST_CASE(a_database_that_is_missing_or_replaced_is_a_fault) {
  const auto reader = open_reader();
  get(reader->check_place());
  store.reset();
  std::filesystem::remove(path());
  BOOST_TEST((fault_kind(reader->check_place()) == FaultKind::moved));
  BOOST_TEST((fault_kind(EventReader::open(directory)) == FaultKind::open));
}

BOOST_AUTO_TEST_SUITE_END()
