#include "storage/chat_eraser.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/turn_note.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

struct EraserFixture : StoreFixture {
  EraserFixture() { open(); }

  // An event of an agent's turn.
  Uuid telemetry(const Uuid& request, std::string_view chat, std::uint8_t session) {
    TurnNote note;
    note.session.bytes[0] = session;
    note.prompt = request;
    note.names_request = true;
    note.state = TurnState::done;
    note.counts.cost_micros = 5;
    note.counts.model_calls = 1;
    note.sequence = 0;
    Event made = event("claude.api_request");
    made.request_id = request;
    made.chat_id = chat;
    made.turn = &note;
    put(made);
    return request;
  }
  void store(std::string_view type, std::string_view chat, const Uuid& request,
             std::string_view msg = "hello") {
    Event made = event(type);
    made.chat_id = chat;
    made.request_id = request;
    made.msg = msg;
    put(made);
  }
  // Forgets the chat in slices of that many rows; returns what was deleted.
  Erased forget(std::string_view chat, std::size_t rows_max) {
    Erased all;
    for (int slices = 0;; ++slices) {
      BOOST_REQUIRE(slices < 1000);
      get(store_().begin(kNow));
      const Erased erased = get(store_().forget(chat, rows_max));
      commit();
      BOOST_TEST(erased.events <= rows_max);
      all.events += erased.events;
      all.turns += erased.turns;
      if (!erased.more) return all;
    }
  }
  EventStore& store_() { return *StoreFixture::store; }

  std::string files() {
    get(store_().finish(kNow));
    std::string bytes;
    for (const char* suffix : {"", "-wal"}) {
      std::ifstream file(path() + suffix, std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(file), {});
    }
    return bytes;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(chat_eraser, EraserFixture)

BOOST_AUTO_TEST_CASE(a_chat_goes_with_its_turns_and_others_stay) {
  for (int i = 0; i < 20; ++i) {
    const Uuid request = telemetry(ids.next(kNow), "chat-1", 1);
    store("alert.delivered", "", request);  // of the turn, without its chat
    store("linq.inbound", "chat-1", ids.next(kNow));
    telemetry(ids.next(kNow), "chat-2", 2);
  }
  store("job.done", "", ids.next(kNow));
  const Erased erased = forget("chat-1", 7);
  BOOST_TEST(erased.events == 60u);
  BOOST_TEST(erased.turns == 20u);
  BOOST_TEST(number("SELECT count(*) FROM event") == 21);
  BOOST_TEST(number("SELECT count(*) FROM turn") == 20);
  BOOST_TEST(number("SELECT count(*) FROM turn WHERE chat = 'chat-2'") == 20);
  BOOST_TEST(number("SELECT count(*) FROM turn_prompt") == 20);
  BOOST_TEST(number("SELECT count(*) FROM turn_message") == 0);
  BOOST_TEST(number("SELECT count(*) FROM turn_run") == 1);
  BOOST_TEST(text("SELECT group_concat(name) FROM chat") == "chat-2");
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
  const Erased again = forget("chat-1", 7);
  BOOST_TEST(again.events + again.turns == 0u);
}

BOOST_AUTO_TEST_CASE(nothing_of_it_is_left_in_the_files) {
  for (int i = 0; i < 600; ++i) {
    store("linq.inbound", "chat-of-mallory", ids.next(kNow), "the secret word is plugh");
    store("linq.inbound", "chat-2", ids.next(kNow), "good morning");
  }
  get(store_().begin(kNow + 3'600'000));
  while (store_().wants_to_build(kNow + 3'600'000)) get(store_().build(kNow + 3'600'000));
  commit();
  BOOST_TEST(number("SELECT count(*) FROM text_block") > 0);
  BOOST_TEST(files().find("plugh") != std::string::npos);
  BOOST_TEST(forget("chat-of-mallory", 100).events == 600u);
  BOOST_TEST(number("SELECT count(*) FROM text_block") == 0);  // to be built again
  const std::string left = files();
  BOOST_TEST(left.find("plugh") == std::string::npos);
  BOOST_TEST(left.find("mallory") == std::string::npos);
  BOOST_TEST(left.find("good morning") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(events_of_a_shared_request_that_is_no_turn_of_the_chat_stay) {
  const Uuid shared = ids.next(kNow);
  for (int i = 0; i < 5; ++i) store("log", "", shared);
  store("log", "chat-1", shared);
  store("log", "chat-2", shared);
  BOOST_TEST(forget("chat-1", 100).events == 1u);
  BOOST_TEST(number("SELECT count(*) FROM event") == 6);
}

BOOST_AUTO_TEST_CASE(turns_whose_events_have_gone_are_found_too) {
  for (int i = 0; i < 10; ++i) telemetry(ids.next(kNow), i % 2 == 0 ? "chat-1" : "chat-2", 1);
  get(get(Database::open(path()))->execute("DELETE FROM event"));
  open();
  const Erased erased = forget("chat-1", 3);
  BOOST_TEST(erased.turns == 5u);
  BOOST_TEST(number("SELECT count(*) FROM turn") == 5);
}

BOOST_AUTO_TEST_CASE(a_chat_that_is_unknown_is_forgotten_at_once) {
  const Erased erased = forget("nobody-", 10);
  BOOST_TEST(erased.events + erased.turns == 0u);
}

BOOST_AUTO_TEST_CASE(counts_by_hour_no_longer_have_it) {
  for (int i = 0; i < 5; ++i) store("linq.inbound", "chat-1", ids.next(kNow));
  store("linq.inbound", "chat-2", ids.next(kNow));
  const std::int64_t chat = number("SELECT id FROM chat WHERE name = 'chat-1'");
  forget("chat-1", 2);
  const Metrics& metrics = store_().metrics(kNow);
  BOOST_TEST(metrics.chats_total == 2);  // totals stay
  // Its number is not given to another chat while this process lives.
  store("linq.inbound", "chat-3", ids.next(kNow));
  BOOST_TEST(number("SELECT id FROM chat WHERE name = 'chat-3'") != chat);
}

BOOST_AUTO_TEST_SUITE_END()
