#include "handlers/alerts/turn_watch.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/uuid/uuid_v7.h"

using namespace picortex;

namespace {

constexpr std::int64_t kTurnsUnix = 1'794'924'000'000;

struct TurnFixture {
  ClockReading now() const {
    return {Instant(std::chrono::milliseconds(now_ms)), kTurnsUnix + now_ms - kStart};
  }
  Uuid message(std::string_view chat = "chat-1") {
    return store("linq.inbound", ids.next(kTurnsUnix), chat);
  }
  Uuid store(std::string_view type, const Uuid& request, std::string_view chat, bool skip = false) {
    Event event;
    event.event_type = type;
    event.request_id = request;
    event.chat_id = chat;
    event.time_ms = now().unix_ms;
    event.decision_skip = skip;
    watch.append(event);
    watch.publish(now());
    return request;
  }
  void telemetry(const Uuid& request, TurnState state, bool is_submission = false,
                 std::string_view msg = "", std::int64_t age_ms = 0) {
    TurnNote note;
    note.session.bytes[0] = 7;
    note.state = state;
    note.is_submission = is_submission;
    Event event;
    event.event_type = "claude.x";
    event.request_id = request;
    event.chat_id = "chat-1";
    event.time_ms = now().unix_ms - age_ms;
    event.msg = msg;
    event.turn = &note;
    watch.append(event);
    watch.publish(now());
  }
  void submit(const Uuid& request) { telemetry(request, TurnState::running, true); }

  // "waiting <request> <text>" for each alert.
  std::vector<std::string> look() {
    std::vector<std::string> seen;
    watch.look(now_ms, [&](const TurnAlert& alert) {
      constexpr const char* kNames[] = {"waiting", "lost", "failed"};
      seen.push_back(std::string(kNames[static_cast<std::size_t>(alert.kind)]) + ' ' +
                     to_string(alert.request_id) + ' ' + alert.text +
                     (alert.suppressed > 0 ? " +" + std::to_string(alert.suppressed) : ""));
    });
    return seen;
  }
  bool reports(const std::string& what) { return look() == std::vector{what}; }

  static constexpr std::int64_t kStart = 3'600'000;
  std::int64_t now_ms = kStart;
  UuidV7Generator ids;
  TurnWatch watch;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(turn_watch, TurnFixture)

BOOST_AUTO_TEST_CASE(an_open_question_is_reported_once_until_the_turn_has_gone_on) {
  const Uuid turn = ids.next(kTurnsUnix);
  submit(turn);
  now_ms += 6000;
  telemetry(turn, TurnState::waiting, false, "may I?");
  BOOST_TEST(reports("waiting " + to_string(turn) + " may I?"));
  telemetry(turn, TurnState::waiting, false, "may I?");
  BOOST_TEST(look().empty());
  now_ms += 1000;
  telemetry(turn, TurnState::running);
  now_ms += 1000;
  telemetry(turn, TurnState::waiting, false, "and this?");
  BOOST_TEST(reports("waiting " + to_string(turn) + " and this?"));
}

BOOST_AUTO_TEST_CASE(a_question_that_was_answered_before_the_look_is_no_news) {
  const Uuid turn = ids.next(kTurnsUnix);
  telemetry(turn, TurnState::waiting, false, "may I?");
  now_ms += 10;
  telemetry(turn, TurnState::running);
  BOOST_TEST(look().empty());
  // A question that arrives late does not open again what has gone on since.
  telemetry(turn, TurnState::waiting, false, "may I?", 5000);
  BOOST_TEST(look().empty());
  // Nor does one that the next prompt has ended.
  telemetry(turn, TurnState::waiting, false, "may I?");
  now_ms += 10;
  submit(ids.next(kTurnsUnix));
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(a_failure_is_reported_once_for_each_turn) {
  const Uuid turn = ids.next(kTurnsUnix);
  telemetry(turn, TurnState::failed, false, "529");
  telemetry(turn, TurnState::failed, false, "529 again");
  BOOST_TEST(reports("failed " + to_string(turn) + " 529"));
  now_ms += 1000;
  telemetry(turn, TurnState::failed, false, "529");
  BOOST_TEST(look().empty());
  telemetry(ids.next(kTurnsUnix), TurnState::failed, false, "old", TurnWatch::kFreshMs + 1);
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(a_message_without_a_prompt_is_lost_after_a_while) {
  submit(ids.next(kTurnsUnix));
  telemetry(ids.next(kTurnsUnix), TurnState::done);
  const Uuid lost = message("chat-2");
  const Uuid kept = message();
  now_ms += TurnWatch::kLostAfterMs - 1;
  BOOST_TEST(look().empty());
  submit(kept);
  now_ms += 1;
  BOOST_TEST(reports("lost " + to_string(lost) + " "));
  now_ms += TurnWatch::kLostAfterMs;
  BOOST_TEST(look().empty());
}

BOOST_AUTO_TEST_CASE(a_message_waits_while_its_chats_agent_is_at_work) {
  const Uuid first = message();
  submit(first);
  const Uuid second = message();
  for (int i = 0; i < 5; ++i) {
    now_ms += 20'000;
    telemetry(first, TurnState::running);
    BOOST_TEST(look().empty());
  }
  telemetry(first, TurnState::done);
  now_ms += TurnWatch::kLostAfterMs - 1;
  BOOST_TEST(look().empty());
  now_ms += 1;
  BOOST_TEST(reports("lost " + to_string(second) + " "));
  // An agent that has said nothing for long is no excuse.
  submit(message());
  const Uuid third = message();
  now_ms += TurnWatch::kBusyMaxMs - 1;
  BOOST_TEST(look().empty());
  now_ms += TurnWatch::kLostAfterMs;
  BOOST_TEST(reports("lost " + to_string(third) + " "));
}

BOOST_AUTO_TEST_CASE(a_message_that_was_dealt_with_otherwise_is_not_lost) {
  submit(ids.next(kTurnsUnix));
  telemetry(ids.next(kTurnsUnix), TurnState::done);
  store("discriminator.decision", message("chat-2"), "chat-2", true);
  store("child.start", message("chat-3"), "chat-3");
  telemetry(message("chat-4"), TurnState::none);
  store("linq.inbound", ids.next(kTurnsUnix), "");  // in no chat
  BOOST_TEST(watch.messages() == 0u);
}

BOOST_AUTO_TEST_CASE(where_no_hook_reports_prompts_no_message_is_lost) {
  message();
  telemetry(ids.next(kTurnsUnix), TurnState::running);
  now_ms += TurnWatch::kBusyMaxMs;
  BOOST_TEST(look().empty());
  TurnsSoFar turns;
  turns.has_submissions = true;
  watch.on_opened(turns);
  const Uuid lost = message("chat-2");
  now_ms += TurnWatch::kLostAfterMs;
  BOOST_TEST(reports("lost " + to_string(lost) + " "));
}

BOOST_AUTO_TEST_CASE(alerts_of_a_kind_have_a_rate_and_say_how_many_were_left_out) {
  for (std::uint64_t i = 0; i < TurnWatch::kPerMinuteMax + 5; ++i) {
    telemetry(ids.next(kTurnsUnix), TurnState::failed, false, "x");
  }
  BOOST_TEST(look().size() == TurnWatch::kPerMinuteMax);
  now_ms += 60'000;
  const Uuid next = ids.next(kTurnsUnix);
  telemetry(next, TurnState::failed, false, "y");
  BOOST_TEST(reports("failed " + to_string(next) + " y +5"));
}

BOOST_AUTO_TEST_CASE(what_is_followed_has_bounds) {
  submit(ids.next(kTurnsUnix));
  for (std::size_t i = 0; i < TurnWatch::kTurnsMax + 10; ++i) {
    telemetry(ids.next(kTurnsUnix), TurnState::failed, false, "x");
  }
  for (std::size_t i = 0; i < TurnWatch::kMessagesMax + 10; ++i) message("chat-2");
  BOOST_TEST(watch.turns() == TurnWatch::kTurnsMax);
  BOOST_TEST(watch.messages() == TurnWatch::kMessagesMax);
}

BOOST_AUTO_TEST_CASE(what_was_rolled_back_says_nothing) {
  Event event;
  event.event_type = "linq.inbound";
  event.chat_id = "chat-1";
  event.time_ms = now().unix_ms;
  watch.append(event);
  watch.discard();
  watch.publish(now());
  BOOST_TEST(watch.messages() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
