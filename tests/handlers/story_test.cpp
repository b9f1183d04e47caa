#include "handlers/story.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>

using namespace picortex;

namespace {

EventRow row(std::string type, std::string msg, std::string data = "", Level level = Level::info) {
  EventRow made;
  made.time_ms = 1'794'924'000'000;
  made.level = level;
  made.event_type = std::move(type);
  made.chat_id = "chat-1";
  made.msg = std::move(msg);
  made.data = std::move(data);
  return made;
}

const EventRow kArrival = row("linq.inbound", "are you there?");
const EventRow kTurn = row("tmux.turn.start", "");

std::string conclusion(const std::vector<EventRow>& rows) {
  return tell_story(rows, false).conclusion;
}

EventRow decision(std::string data) { return row("discriminator.decision", "", std::move(data)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(story)

BOOST_AUTO_TEST_CASE(a_skip_is_told_with_rule_comparison_and_reason) {
  const Story told = tell_story(
      std::vector{
          kArrival,
          decision(R"({"model":"m","thresholds":{"score":0.5,"age":3},"inputs":{"score":0.31,)"
                   R"("words":4,"age":7},"reason":"small talk","rule":"quiet-hours",)"
                   R"("decision":"skip","extra":[1, 2],"duration_ms":12})")},
      false);
  BOOST_TEST(told.conclusion ==
             "The discriminator skipped this message: rule quiet-hours, score 0.31 below the "
             "threshold 0.5, age 7 above the threshold 3 (reason: small talk).");
  BOOST_TEST((told.outcome == StoryOutcome::skipped));
  BOOST_TEST(told.missing.empty());
  BOOST_TEST(told.chat_id == "chat-1");
  BOOST_REQUIRE(told.steps.size() == 2u);
  BOOST_TEST(told.steps[0].what == "arrived: are you there?");
  BOOST_TEST(told.steps[1].what == "decided: skip");
  std::string names;
  for (const auto& detail : told.steps[1].details) names += detail.name + '=' + detail.value + ' ';
  BOOST_TEST(names ==
             "decision=\"skip\" rule=\"quiet-hours\" reason=\"small talk\" "
             "inputs={\"score\":0.31,\"words\":4,\"age\":7} thresholds={\"score\":0.5,\"age\":3} "
             "model=\"m\" duration_ms=12 extra=[1,2] ");
}

BOOST_AUTO_TEST_CASE(a_decision_that_does_not_say_why_has_its_missing_fields_named) {
  const Story told = tell_story(std::vector{kArrival, decision(R"({"decision":"skip"})")}, false);
  BOOST_TEST(told.conclusion ==
             "The discriminator skipped this message, and its event does not say why: it lacks "
             "rule, reason, inputs and thresholds.");
  BOOST_TEST((told.missing == std::vector<std::string>{"rule", "reason", "inputs", "thresholds"}));
  BOOST_TEST(conclusion({decision(R"({"decision":"skip","reason":"spam","rule":null})")}) ==
             "The discriminator skipped this message: reason: spam.");
  BOOST_TEST(conclusion({decision("")}) ==
             "The discriminator decided on this message, and its event does not say what, and its "
             "event does not say why: it lacks decision, rule, reason, inputs and thresholds; no "
             "turn was started.");
}

BOOST_AUTO_TEST_CASE(a_turn_is_told_with_its_children_refusals_and_errors) {
  const std::string refusal = R"({"host":"evil.example","port":443,"evidence":"sni"})";
  const Story told =
      tell_story(std::vector{kArrival, decision(R"({"decision":"answer","rule":"mentioned"})"),
                             kTurn, row("child.start", "started claude", R"({"argv":["claude"]})"),
                             row("egress.rejected", "", refusal, Level::warn),
                             row("egress.rejected", "", refusal, Level::warn),
                             row("bot.failed", "tool crashed", "", Level::error),
                             row("child.exit", "", R"({"signal":"SIGKILL"})", Level::warn)},
                 false);
  BOOST_TEST(told.conclusion ==
             "The discriminator decided \"answer\" on this message: rule mentioned; a turn was "
             "started; 1 child command failed; egress was refused 2 times (evil.example:443); it "
             "met an error: \"tool crashed\".");
  BOOST_TEST((told.outcome == StoryOutcome::failed));
  BOOST_TEST(told.steps[4].what == "egress refused to evil.example:443");
  BOOST_TEST(told.steps[6].what == "error: tool crashed");
  BOOST_TEST(told.steps[7].what == "child ended by SIGKILL");
}

BOOST_AUTO_TEST_CASE(what_no_event_says_is_not_made_up) {
  BOOST_TEST(conclusion({kArrival, kTurn}) ==
             "A turn was started; no discriminator.decision event says why.");
  BOOST_TEST(conclusion({kArrival}) ==
             "This message arrived, and no discriminator.decision or tmux.turn.start event says "
             "what became of it.");
  BOOST_TEST(conclusion({row("http.request", "GET /")}) ==
             "These events are of no message: there is no linq.inbound, discriminator.decision or "
             "tmux.turn.start among them.");
}

BOOST_AUTO_TEST_CASE(data_that_is_no_object_or_of_other_types_is_no_trouble) {
  for (const char* data :
       {"[1]", "7", "{", "{\"decision\":{\"a\":1},\"rule\":7,\"inputs\":[],\"thresholds\":5}",
        "{\"inputs\":{\"a\":\"x\"},\"thresholds\":{\"a\":1,\"b\":\"y\"}}"}) {
    std::string json;
    append_story_json(json, tell_story(std::vector{decision(data)}, true));
    simdjson::dom::parser parser;
    BOOST_TEST(parser.parse(json).error() == simdjson::SUCCESS, json);
  }
}

BOOST_AUTO_TEST_CASE(json_is_one_line_that_no_terminal_acts_on) {
  std::string json;
  append_story_json(
      json, tell_story(std::vector{row("linq.inbound", "a\n\x1b[31m\x9b \xe2\x80\xae")}, false));
  for (const char c : json) BOOST_TEST(static_cast<unsigned char>(c) >= 0x20);
  BOOST_TEST(json.find("\xe2\x80\xae") == json.npos);
  BOOST_TEST(json.find("\"cut_short\":false") != json.npos);
}

BOOST_AUTO_TEST_CASE(long_texts_are_cut_between_characters) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "é";
  const Story told =
      tell_story(std::vector{decision(R"({"decision":"skip","rule":")" + text + "\"}")}, false);
  BOOST_TEST(told.conclusion.size() < 400u);
  std::string json;
  append_story_json(json, told);
  BOOST_TEST(json.find("ufffd") == json.npos);
}

BOOST_AUTO_TEST_SUITE_END()
