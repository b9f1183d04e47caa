#include "storage/index/waiting_messages.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <random>
#include <vector>

#include "storage/turn_note.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

// What waits, as if each message were written at once.
struct Model {
  struct Message {
    Uuid request;
    std::string chat;
    std::int64_t time_ms;
  };

  void add(const Message& added) {
    std::erase_if(messages, [&](const Message& one) {
      return one.chat == added.chat && one.time_ms < added.time_ms - WaitingMessages::kWaitMaxMs;
    });
    messages.push_back(added);
  }
  void drop(const Uuid& request) {
    std::erase_if(messages, [&](const Message& one) { return one.request == request; });
  }
  std::optional<Uuid> take_oldest(const std::string& chat, std::int64_t time_ms) {
    const Message* oldest = nullptr;
    for (const Message& one : messages) {
      if (one.chat != chat || one.time_ms < time_ms - WaitingMessages::kWaitMaxMs ||
          one.time_ms > time_ms + 60'000) {
        continue;
      }
      const bool is_older =
          oldest == nullptr || std::tie(one.time_ms, one.request.bytes) <
                                   std::tie(oldest->time_ms, oldest->request.bytes);
      if (is_older) oldest = &one;
    }
    if (oldest == nullptr) return std::nullopt;
    const Uuid taken = oldest->request;
    drop(taken);
    return taken;
  }

  std::vector<Message> messages;
};

struct MessagesFixture : StoreFixture {
  MessagesFixture() { open(); }

  std::uint32_t below(std::uint32_t end) { return random() % end; }
  std::string any_chat() { return "chat-" + std::to_string(below(4)); }
  std::int64_t any_time() { return kNow - below(90) * kMinute; }

  void message() {
    const std::string chat = any_chat();
    Event made = event("linq.inbound", any_time());
    made.chat_id = chat;
    BOOST_TEST(get(store->append(made)));
    model.add({made.request_id, chat, made.time_ms});
    last_request = made.request_id;
  }
  void skip() {
    Event made = event(below(2) == 0 ? "discriminator.decision" : "child.start");
    made.decision_skip = made.event_type == "discriminator.decision";
    made.request_id = last_request;
    if (below(2) == 0 && !model.messages.empty()) {
      const auto count = static_cast<std::uint32_t>(model.messages.size());
      made.request_id = model.messages[below(count)].request;
    }
    BOOST_TEST(get(store->append(made)));
    model.drop(made.request_id);
  }
  void submit() {
    const std::string chat = any_chat();
    TurnNote note;
    note.session = ids.next(kNow);
    note.prompt = ids.next(kNow);
    note.is_submission = true;
    // Its type ends as a message's does, and it is none.
    Event made = event(below(2) == 0 ? "odd.inbound" : "claude.prompt", any_time());
    made.chat_id = chat;
    made.turn = &note;
    BOOST_TEST(get(store->append(made)));
    const auto expected = model.take_oldest(chat, made.time_ms);
    const Uuid found = store->last_request();
    if (expected) {
      BOOST_TEST((found == *expected));
    } else {
      const bool is_message = std::ranges::any_of(
          model.messages, [&](const Model::Message& one) { return one.request == found; });
      BOOST_TEST(!is_message);
    }
  }

  // A transaction, which is taken back now and then; and the process may die after it.
  void transaction(bool looks) {
    const Model before = model;
    get(store->begin(kNow));
    for (std::uint32_t left = 1 + below(120); left > 0; --left) {
      const std::uint32_t kind = looks ? below(10) : 0;
      if (kind == 9) {
        submit();
      } else if (kind == 8) {
        skip();
      } else {
        message();
      }
    }
    if (below(5) == 0) {
      store->rollback();
      model = before;
    } else {
      commit();
    }
    if (below(4) == 0) open();
  }

  std::mt19937 random{7};
  Model model;
  Uuid last_request{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(waiting_messages, MessagesFixture)

BOOST_AUTO_TEST_CASE(each_waits_once_through_rollbacks_and_restarts) {
  for (int i = 0; i < 200; ++i) transaction(below(6) == 0);
  BOOST_TEST(!model.messages.empty());
}

BOOST_AUTO_TEST_CASE(messages_are_written_many_at_once) {
  Event made = event();
  made.chat_id = "chat-1";
  for (std::int64_t i = 1; i < WaitingMessages::kTailMax; ++i) {
    made.request_id = ids.next(kNow);
    put(made);
  }
  BOOST_TEST(number("SELECT count(*) FROM turn_message") == 0);
  made.request_id = ids.next(kNow);
  put(made);
  BOOST_TEST(number("SELECT count(*) FROM turn_message") == WaitingMessages::kTailMax);
}

// Or a start would have to read all that came since the last message.
BOOST_AUTO_TEST_CASE(other_events_bring_the_place_forward) {
  for (int i = 0; i < 3 * WaitingMessages::kTailMax; ++i) put(event("job.done"));
  BOOST_TEST(number("SELECT value FROM total WHERE name = 'message_arrival'") >
             2 * WaitingMessages::kTailMax - 2);
}

BOOST_AUTO_TEST_SUITE_END()
