#include "handlers/query/story.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(story)

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
  return report_story(rows, false).conclusion;
}

EventRow decision(std::string data) { return row("discriminator.decision", "", std::move(data)); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_skip_is_reported_with_rule_comparison_and_reason) {
  const Story reported = report_story(
      std::vector{
          kArrival,
          decision(R"({"model":"m","thresholds":{"score":0.5,"age":3},"inputs":{"score":0.31,)"
                   R"("words":4,"age":7},"reason":"small talk","rule":"quiet-hours",)"
                   R"("decision":"skip","extra":[1, 2],"duration_ms":12})")},
      false);
  BOOST_TEST(reported.conclusion ==
             "The discriminator skipped this message: rule quiet-hours, score 0.31 below the "
             "threshold 0.5, age 7 above the threshold 3 (reason: small talk).");
  BOOST_TEST((reported.outcome == StoryOutcome::skipped));
  BOOST_TEST(reported.missing.empty());
  BOOST_TEST(reported.chat_id == "chat-1");
  BOOST_REQUIRE(reported.steps.size() == 2u);
  BOOST_TEST(reported.steps[0].what == "arrived: are you there?");
  BOOST_TEST(reported.steps[1].what == "decided: skip");
  std::string names;
  for (const auto& detail : reported.steps[1].details)
    names += detail.name + '=' + detail.value + ' ';
  BOOST_TEST(names ==
             "decision=\"skip\" rule=\"quiet-hours\" reason=\"small talk\" "
             "inputs={\"score\":0.31,\"words\":4,\"age\":7} thresholds={\"score\":0.5,\"age\":3} "
             "model=\"m\" duration_ms=12 extra=[1,2] ");
}

BOOST_AUTO_TEST_CASE(a_decision_that_does_not_say_why_has_its_missing_fields_named) {
  const Story reported =
      report_story(std::vector{kArrival, decision(R"({"decision":"skip"})")}, false);
  BOOST_TEST(reported.conclusion ==
             "The discriminator skipped this message, and its event does not say why: it lacks "
             "rule, reason, inputs and thresholds.");
  BOOST_TEST(
      (reported.missing == std::vector<std::string>{"rule", "reason", "inputs", "thresholds"}));
  BOOST_TEST(conclusion({decision(R"({"decision":"skip","reason":"spam","rule":null})")}) ==
             "The discriminator skipped this message: reason: spam.");
  BOOST_TEST(conclusion({decision("")}) ==
             "The discriminator decided on this message, and its event does not say what, and its "
             "event does not say why: it lacks decision, rule, reason, inputs and thresholds; no "
             "turn was started.");
}

BOOST_AUTO_TEST_CASE(a_turn_is_reported_with_its_children_rejections_and_errors) {
  const std::string rejection = R"({"host":"evil.example","port":443,"evidence":"sni"})";
  const Story reported = report_story(
      std::vector{kArrival, decision(R"({"decision":"answer","rule":"mentioned"})"), kTurn,
                  row("child.start", "started claude", R"({"argv":["claude"]})"),
                  row("egress.rejected", "", rejection, Level::warn),
                  row("egress.rejected", "", rejection, Level::warn),
                  row("bot.failed", "tool crashed", "", Level::error),
                  row("child.exit", "", R"({"signal":"SIGKILL"})", Level::warn)},
      false);
  BOOST_TEST(reported.conclusion ==
             "The discriminator decided \"answer\" on this message: rule mentioned; a turn was "
             "started; 1 child command failed; egress was denied 2 times (evil.example:443); it "
             "met an error: \"tool crashed\".");
  BOOST_TEST((reported.outcome == StoryOutcome::failed));
  BOOST_TEST(reported.steps[4].what == "egress denied to evil.example:443");
  BOOST_TEST(reported.steps[6].what == "error: tool crashed");
  BOOST_TEST(reported.steps[7].what == "child ended by SIGKILL");
}

BOOST_AUTO_TEST_CASE(what_no_event_says_is_not_made_up) {
  BOOST_TEST(conclusion({kArrival, kTurn}) ==
             "A turn was started; no discriminator.decision event says why.");
  BOOST_TEST(conclusion({kArrival}) ==
             "This message arrived, and no discriminator.decision or tmux.turn.start event says "
             "what became of it.");
  BOOST_TEST(conclusion({row("http.request", "GET /")}) ==
             "These events belong to no message: there is no linq.inbound, discriminator.decision "
             "or tmux.turn.start among them.");
}

BOOST_AUTO_TEST_CASE(data_that_is_no_object_or_of_other_types_is_no_trouble) {
  for (const char* data :
       {"[1]", "7", "{", "{\"decision\":{\"a\":1},\"rule\":7,\"inputs\":[],\"thresholds\":5}",
        "{\"inputs\":{\"a\":\"x\"},\"thresholds\":{\"a\":1,\"b\":\"y\"}}"}) {
    std::string json;
    append_story_json(json, report_story(std::vector{decision(data)}, true));
    simdjson::dom::parser parser;
    BOOST_TEST(parser.parse(json).error() == simdjson::SUCCESS, json);
  }
}

BOOST_AUTO_TEST_CASE(json_is_one_line_that_no_terminal_acts_on) {
  std::string json;
  append_story_json(
      json, report_story(std::vector{row("linq.inbound", "a\n\x1b[31m\x9b \xe2\x80\xae")}, false));
  for (const char c : json) BOOST_TEST(static_cast<unsigned char>(c) >= 0x20);
  BOOST_TEST(json.find("\xe2\x80\xae") == json.npos);
  BOOST_TEST(json.find("\"cut_short\":false") != json.npos);
}

BOOST_AUTO_TEST_CASE(long_texts_are_cut_between_characters) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "é";
  const Story reported =
      report_story(std::vector{decision(R"({"decision":"skip","rule":")" + text + "\"}")}, false);
  BOOST_TEST(reported.conclusion.size() < 400u);
  std::string json;
  append_story_json(json, reported);
  BOOST_TEST(json.find("ufffd") == json.npos);
}

BOOST_AUTO_TEST_CASE(a_denied_connection_stands_under_the_tool_call_that_made_it) {
  const auto at = [](EventRow made, std::int64_t ms, std::uint8_t id) {
    made.time_ms += ms;
    made.id.bytes[0] = id;
    return made;
  };
  const auto denial = [] { return row("egress.rejected", "", R"({"host":"evil.example"})"); };
  const Story reported = report_story(
      std::vector{
          at(row("claude.prompt_submitted", ""), 0, 1), at(denial(), 500, 2), at(denial(), 1500, 3),
          at(row("claude.tool_result", "Bash in 1000 ms", R"({"duration_ms":1000})"), 2000, 4),
          at(denial(), 3000, 5),
          at(row("claude.tool_result", "Bash in 500 ms", R"({"duration_ms":500})"), 3200, 6),
          at(row("egress.proposal", "asks for evil.example", "{}"), 4000, 9),
          at(row("claude.tool_result", "Bash in 2 s", R"({"duration_ms":2000})"), 4200, 7),
          at(row("claude.tool_result", "no time", R"({"duration_ms":"x"})"), 4300, 8)},
      false);
  std::vector<int> within;
  for (const StoryStep& step : reported.steps) {
    if (step.event_type.starts_with("egress."))
      within.push_back(step.within ? step.within->bytes[0] : 0);
  }
  // Before any call; during the first; during two, of which the shorter began last; a proposal.
  BOOST_TEST(within == (std::vector{0, 4, 6, 7}), boost::test_tools::per_element());
  std::string json;
  append_story_json(json, reported);
  BOOST_TEST(json.find(R"("what":"egress denied to evil.example","within":")") != json.npos);
  BOOST_TEST(reported.conclusion.starts_with("A turn was started"));
}

BOOST_AUTO_TEST_SUITE_END()
