#include "storage/query/field_condition.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

namespace {

struct ConditionFixture {
  ConditionFixture() {
    row.event_type = "discriminator.decision";
    row.level = Level::warn;
    row.chat_id = "chat-7";
    row.msg = "Not for the agent";
    row.request_id = *parse_uuid("019a3333-0000-7004-8000-000000000004");
    row.data = R"({"decision":"skip","duration_ms":41,"score":0.5,"commit":"9f3c2ab","ok":true,)"
               R"("text":"12","err":{"type":"TypeError"},"tags":["a","b",7],"type":"own",)"
               R"("quote":"say \"hi\""})";
  }
  bool fits(std::string_view text) const {
    const auto condition = FieldCondition::parse(text);
    BOOST_REQUIRE_MESSAGE(condition.has_value(), text);
    return condition->fits(row);
  }
  EventRow row;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(field_condition, ConditionFixture)

BOOST_AUTO_TEST_CASE(conditions_that_are_true) {
  for (const char* text : {"decision=skip",
                           "decision!=answer",
                           "!decision=answer",
                           "duration_ms=41",
                           "duration_ms=41.0",
                           "duration_ms>40",
                           "duration_ms>=41",
                           "duration_ms<42",
                           "duration_ms<=41",
                           "score=0.5",
                           "score>.4",
                           "commit=9f3c2ab",
                           "commit~F3C",
                           "ok=true",
                           "text=12",
                           "text>11.5",
                           "err.type=TypeError",
                           "err~typeerror",
                           "tags=a",
                           "tags=7",
                           "tags>6",
                           "tags~\"b\"",
                           "type=discriminator.decision",
                           "type=discriminator.*",
                           "event_type=*",
                           "type~DECISION",
                           "!type=log",
                           "type!=log",
                           "data.type=own",
                           "level=warn",
                           "level>=info",
                           "level>debug",
                           "level<error",
                           "level~war",
                           "!level=error",
                           "chat=chat-7",
                           "chat=chat-*",
                           "chat=*",
                           "chat_id!=chat-8",
                           "msg~AGENT",
                           "msg=Not for the agent",
                           "request=019a3333-0000-7004",
                           "request_id=019A3333",
                           "nothing!=x",
                           "!nothing=x",
                           "nothing!~x",
                           "!nothing>1",
                           "quote=say \"hi\"",
                           "quote~\"HI\""}) {
    BOOST_TEST(fits(text), text);
  }
}

BOOST_AUTO_TEST_CASE(conditions_that_are_false) {
  for (const char* text :
       {"decision=Skip",  "decision!=skip",  "decision>1",         "duration_ms>41",
        "duration_ms<41", "duration_ms=410", "commit=9f3c2a",      "commit!~f3c",
        "ok=1",           "nothing=x",       "nothing=",           "nothing>1",
        "nothing~x",      "tags=c",          "type=discriminator", "type=own",
        "data.type=log",  "level=error",     "level>warn",         "chat=chat",
        "chat=",          "msg~absent",      "request=019a3334",   "err.type=RangeError",
        "err.x.y=1"}) {
    BOOST_TEST(!fits(text), text);
  }
  row.chat_id.clear();
  BOOST_TEST(!fits("chat=*"));
  BOOST_TEST(fits("chat="));
  row.data = "no json";
  BOOST_TEST(!fits("decision=skip"));
}

BOOST_AUTO_TEST_CASE(what_is_no_condition_is_said_in_one_line) {
  for (const char* text : {"", "=x", "decision", "!decision", "duration_ms>fast", "level=loud",
                           "level>3", "msg~", "type>x", ">5", "!=x"}) {
    const auto condition = FieldCondition::parse(text);
    BOOST_TEST(!condition.has_value(), text);
    if (condition) continue;
    BOOST_TEST(condition.error().what.find('\n') == std::string::npos);
    const std::string& what = condition.error().what;
    const bool says_what_to_do =
        what.find("give") != std::string::npos || what.find("use") != std::string::npos;
    BOOST_TEST(says_what_to_do, what);
  }
  BOOST_TEST(!FieldCondition::parse(std::string(1001, 'x') + "=1").has_value());
}

BOOST_AUTO_TEST_CASE(what_a_filter_may_pass_over_by) {
  const auto needles = [](std::string_view text) { return FieldCondition::parse(text)->needles(); };
  BOOST_TEST((needles("commit=9F3C2AB") == std::vector<std::string>{"commit", "9f3c2ab"}));
  BOOST_TEST((needles("duration_ms>5") == std::vector<std::string>{"duration_ms"}));
  BOOST_TEST((needles("n=5") == std::vector<std::string>{"n"}));  // 5.0 is the same
  BOOST_TEST((needles("err.type~Err") == std::vector<std::string>{"type", "err"}));
  for (const char* text : {"commit!=x", "!commit=x", "type=x", "level=info", "msg~x"}) {
    BOOST_TEST(needles(text).empty(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
