#include "handlers/ingest/sentry/sentry_decoder.h"

#include <simdjson.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "tests/handlers/padded_body.h"

using namespace picortex;

namespace {

constexpr std::string_view kSentryId = "9ec79c33ec9942ab8353589fcb2e04dc";

struct SentryDecoderFixture {
  JsonDocument document{1 << 20};
  SentryDecoder decoder{document};
  SentryContent content;
  SentryEvent event;
  int code = 0;

  // Empty when the envelope was taken, else the error.
  std::string decode_envelope(std::string_view text) {
    PaddedBody body(text);
    const auto done = decoder.decode(body.bytes(), "7", event);
    code = done ? 0 : done.error().code;
    if (done) content = *done;
    return done ? "" : done.error().what;
  }

  // Of an event alone, given without its braces.
  std::string decode(std::string_view members) {
    const std::string event_text = '{' + std::string(members) + '}';
    return decode_envelope("{\"event_id\":\"" + std::string(kSentryId) +
                           "\"}\n{\"type\":\"event\",\"length\":" +
                           std::to_string(event_text.size()) + "}\n" + event_text);
  }

  std::string fingerprint_of(std::string_view members) {
    BOOST_REQUIRE(decode(members) == "");
    const std::size_t begin = event.data.find("\"fingerprint\":") + 14;
    return event.data.substr(begin, event.data.find(']', begin) + 1 - begin);
  }

  // What follows the members that every event has.
  std::string rest_of_data() const { return event.data.substr(event.data.find(']') + 1); }
};

constexpr std::string_view kThrown = R"("exception":{"values":[{"type":"TypeError","value":"boom",
  "stacktrace":{"frames":[
    {"function":"load","filename":"http://x/vendor.js","lineno":1,"colno":2,"in_app":false},
    {"function":"main","filename":"http://x/app.js?v=1","lineno":10,"colno":20,"in_app":true},
    {"function":"?","filename":"http://x/app.js?v=1","lineno":30,"in_app":true}]}}]})";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sentry_decoder, SentryDecoderFixture)

BOOST_AUTO_TEST_CASE(an_exception_is_reported_with_its_stack_the_last_call_first) {
  BOOST_TEST(decode(std::string(kThrown) + R"(,"level":"fatal")") == "");
  BOOST_TEST(content.has_event);
  BOOST_TEST(sentry_id_text(event.id) == kSentryId);
  BOOST_TEST(bool(event.level == Level::fatal));
  BOOST_TEST(event.msg == "TypeError: boom");
  BOOST_TEST(event.data.starts_with(R"({"event_id":"9ec79c33ec9942ab8353589fcb2e04dc",)"
                                    R"("project":"7","fingerprint":[")"));
  BOOST_TEST(rest_of_data() ==
             R"~(,"exception":{"type":"TypeError","value":"boom"},"stack":"TypeError: boom)~"
             R"~(\n    at http://x/app.js?v=1:30\n    at main (http://x/app.js?v=1:10:20))~"
             R"~(\n    at load (http://x/vendor.js:1:2)"})~");
}

BOOST_AUTO_TEST_CASE(causes_follow_what_they_caused) {
  BOOST_TEST(decode(R"("exception":{"values":[
    {"type":"RangeError","value":"the cause","stacktrace":{"frames":[{"function":"deep"}]}},
    {"type":"Error","value":"outer","stacktrace":{"frames":[{"module":"m"}]}}]})") == "");
  BOOST_TEST(event.msg == "Error: outer");
  BOOST_TEST(rest_of_data() == R"~(,"exception":{"type":"Error","value":"outer"},"stack":)~"
                               R"~("Error: outer\n    at m\nCaused by: RangeError: the cause)~"
                               R"~(\n    at deep (<unknown>)"})~");
}

BOOST_AUTO_TEST_CASE(a_message_is_reported_as_it_was_formatted) {
  BOOST_TEST(decode(R"("message":"hello","level":"info")") == "");
  BOOST_TEST(event.msg == "hello");
  BOOST_TEST(bool(event.level == Level::info));
  BOOST_TEST(rest_of_data() == "}");
  BOOST_TEST(decode(R"("logentry":{"message":"hello %s","params":["you"]})") == "");
  BOOST_TEST(event.msg == "hello you");
  BOOST_TEST(decode(R"("logentry":{"message":"hello %s","formatted":"hello you"})") == "");
  BOOST_TEST(event.msg == "hello you");
  BOOST_TEST(decode(R"("message":{"message":"a %s","formatted":"a b"})") == "");
  BOOST_TEST(event.msg == "a b");
  BOOST_TEST(decode("") == "");
  BOOST_TEST(event.msg == "<unlabeled event>");
}

BOOST_AUTO_TEST_CASE(levels_are_sentrys) {
  const std::pair<const char*, Level> levels[] = {
      {"\"fatal\"", Level::fatal},    {"\"error\"", Level::error}, {"\"warning\"", Level::warn},
      {"\"info\"", Level::info},      {"\"log\"", Level::info},    {"\"debug\"", Level::debug},
      {"\"no\"", Level::error},       {"1", Level::error},         {"null", Level::error},
      {"\"CRITICAL\"", Level::fatal}, {"30", Level::warn},         {"\"warn\"", Level::warn},
      {"\"Info\"", Level::info},      {"[]", Level::error}};
  for (const auto& [text, level] : levels) {
    BOOST_TEST(decode("\"level\":" + std::string(text)) == "");
    BOOST_TEST(bool(event.level == level), text);
  }
  BOOST_TEST(decode(R"("message":"m")") == "");
  BOOST_TEST(bool(event.level == Level::error));
}

BOOST_AUTO_TEST_CASE(where_it_came_from_is_kept) {
  BOOST_TEST(decode(R"("release":"bot@1.2","environment":"prod","platform":"node",
    "transaction":"GET /","sdk":{"name":"sentry.javascript.node","version":"10.78.0"},
    "contexts":{"trace":{"trace_id":"2532a3f10d14498a9ec3305ef7755efd"}},
    "request":{"url":"http://x/?q","headers":{"Referer":"http://y/","user-Agent":"UA/1"}},
    "breadcrumbs":[{"message":"secret"}],"extra":{"k":"secret"},"user":{"email":"secret"})") == "");
  BOOST_TEST(rest_of_data() ==
             R"(,"release":"bot@1.2","environment":"prod","platform":"node","transaction":"GET /",)"
             R"("url":"http://x/?q","user_agent":"UA/1","sdk":"sentry.javascript.node/10.78.0",)"
             R"("trace_id":"2532a3f10d14498a9ec3305ef7755efd"})");
}

BOOST_AUTO_TEST_CASE(tags_are_scalars_each_once) {
  BOOST_TEST(decode(R"("tags":{"a":"x","n":3,"f":0.5,"t":true,"z":null,"o":{},"l":[],"a":"y"})") ==
             "");
  BOOST_TEST(rest_of_data() == R"(,"tags":{"a":"y","n":3,"f":0.5,"t":true}})");
  for (const char* none : {"{}", "[]", "null", "1", R"({"__proto__":"x"})", R"({"o":{}})"}) {
    BOOST_TEST(decode("\"tags\":" + std::string(none)) == "");
    BOOST_TEST(rest_of_data() == "}", none);
  }
}

BOOST_AUTO_TEST_CASE(a_fingerprint_is_the_same_for_the_same_error) {
  const std::string made = fingerprint_of(kThrown);
  BOOST_TEST(made == "[\"" + made.substr(2, 16) + "\"]");
  std::string other(kThrown);
  other.replace(other.find("\"boom\""), 6, "\"other text\"");
  other.replace(other.find("?v=1"), 4, "?v=2");
  other.replace(other.find("\"lineno\":10"), 11, "\"lineno\":11");
  other.replace(other.find("vendor.js"), 9, "other.js ");
  BOOST_TEST(fingerprint_of(other) == made);
  for (const auto& [text, instead] :
       {std::pair{"TypeError", "RangeError"}, {"\"main\"", "\"start\""}, {"app.js", "bpp.js"}}) {
    other = kThrown;
    other.replace(other.find(text), std::string_view(text).size(), instead);
    BOOST_TEST(fingerprint_of(other) != made, text);
  }
}

BOOST_AUTO_TEST_CASE(fingerprints_stay_from_one_version_to_the_next) {
  BOOST_TEST(fingerprint_of(kThrown) == "[\"622d9e22f2ab878e\"]");
  BOOST_TEST(fingerprint_of(R"("message":"hello")") == "[\"2cf24dba5fb0a30e\"]");
}

BOOST_AUTO_TEST_CASE(a_message_is_grouped_by_its_template) {
  const std::string made = fingerprint_of(R"("message":"hello %s")");
  BOOST_TEST(fingerprint_of(R"("logentry":{"message":"hello %s","formatted":"hello you"})") ==
             made);
  BOOST_TEST(fingerprint_of(R"("message":"hello you")") != made);
}

BOOST_AUTO_TEST_CASE(an_exception_without_frames_is_grouped_by_its_value) {
  const std::string made = fingerprint_of(R"("exception":[{"type":"A","value":"b"}])");
  BOOST_TEST(fingerprint_of(R"("exception":[{"type":"A","value":"c"}])") != made);
  BOOST_TEST(fingerprint_of(R"("exception":{"values":[{"type":"A","value":"b"}]})") == made);
}

BOOST_AUTO_TEST_CASE(without_frames_of_the_application_all_count) {
  const auto thrown = [](std::string_view function) {
    return R"("exception":[{"type":"A","stacktrace":{"frames":[{"in_app":false,"function":")" +
           std::string(function) + R"("}]}}])";
  };
  BOOST_TEST(fingerprint_of(thrown("f")) != fingerprint_of(thrown("g")));
}

BOOST_AUTO_TEST_CASE(an_own_fingerprint_counts) {
  BOOST_TEST(fingerprint_of(R"("fingerprint":["database","timeout"],"message":"a")") ==
             R"(["database","timeout"])");
  const std::string made = fingerprint_of(R"("message":"a")");
  BOOST_TEST(fingerprint_of(R"("fingerprint":["{{ default }}"],"message":"a")") == made);
  BOOST_TEST(fingerprint_of(R"("fingerprint":["{{ default }}","mine"],"message":"a")") ==
             made.substr(0, made.size() - 1) + R"(,"mine"])");
  for (const char* none : {"[]", "null", "\"x\"", "[{},null,\"\",[1]]"}) {
    BOOST_TEST(fingerprint_of("\"fingerprint\":" + std::string(none) + R"(,"message":"a")") ==
               made);
  }
}

BOOST_AUTO_TEST_CASE(an_own_fingerprint_may_hold_scalars_and_any_spelling_of_the_default) {
  const std::string made = fingerprint_of(R"("message":"a")");
  const std::string inner = made.substr(1, made.size() - 2);
  BOOST_TEST(fingerprint_of(R"("fingerprint":["http",404,-1.5,true,false])") ==
             R"(["http","404","-1.5","true","false"])");
  for (const char* text : {"{{default}}", "{{ default}}", "{{default }}", "{{   default   }}"}) {
    BOOST_TEST(fingerprint_of("\"message\":\"a\",\"fingerprint\":[\"" + std::string(text) +
                              "\",7]") == "[" + inner + ",\"7\"]",
               text);
  }
  for (const char* text : {"{{ other }}", "{ default }", "{{}}", "{{", "{{default", "default"}) {
    BOOST_TEST(fingerprint_of("\"fingerprint\":[\"" + std::string(text) + "\"]") ==
                   "[\"" + std::string(text) + "\"]",
               text);
  }
}

BOOST_AUTO_TEST_CASE(what_is_new_in_each_process_does_not_part_a_group) {
  const auto of = [this](const std::string& frame) {
    return fingerprint_of(R"("exception":[{"type":"E","stacktrace":{"frames":[{)" + frame +
                          "}]}}]");
  };
  BOOST_TEST(of(R"("function":"A$$Lambda$1/0x0000000800c8")") ==
             of(R"("function":"A$$Lambda$2/0x0000000800d0")"));
  BOOST_TEST(of(R"("filename":"blob:https://x/3f0c1c5e-9a51-4d0e-8a35-0a1b2c3d4e5f")") ==
             of(R"("filename":"blob:https://x/11111111-9a51-4d0e-8a35-0a1b2c3d4e5f")"));
  BOOST_TEST(of(R"("function":"class@anonymous\u0000/x.php:3$0::f")") ==
             of(R"("function":"class@anonymous\u0000/x.php:3$1::f")"));
  BOOST_TEST(of(R"("filename":"blob:https://x/3f0c1c5e-9a51-4d0e-8a35-0a1b2c3d4e5f")") !=
             of(R"("filename":"blob:https://y/3f0c1c5e-9a51-4d0e-8a35-0a1b2c3d4e5f")"));
}

BOOST_AUTO_TEST_CASE(an_exceptions_value_may_be_of_any_type) {
  const std::pair<const char*, const char*> values[] = {{"42", "E: 42"},
                                                        {"{\"code\":7}", "E: {\"code\":7}"},
                                                        {"[1,\"x\"]", "E: [1,\"x\"]"},
                                                        {"false", "E: false"},
                                                        {"null", "E"},
                                                        {"\"\"", "E"}};
  for (const auto& [value, msg] : values) {
    BOOST_TEST(decode(R"("exception":{"values":[{"type":"E","value":)" + std::string(value) +
                      "}]}") == "");
    BOOST_TEST(event.msg == msg);
  }
  for (const char* shape : {R"({"values":[{"type":"E","value":"v"}]})",
                            R"([{"type":"E","value":"v"}])", R"({"type":"E","value":"v"})"}) {
    BOOST_TEST(decode("\"exception\":" + std::string(shape)) == "");
    BOOST_TEST(event.msg == "E: v", shape);
  }
}

BOOST_AUTO_TEST_CASE(lists_stand_for_objects) {
  BOOST_TEST(
      decode(R"("tags":[["component","bot"],["n","1"],["n","2"],[7,true],["x",null],["y"],3])") ==
      "");
  BOOST_TEST(rest_of_data() == R"(,"tags":{"component":"bot","n":"2","7":true}})");
  for (const char* headers :
       {R"({"User-Agent":["UA/1"]})", R"([["User-Agent","UA/1"]])", R"({"USER-AGENT":"UA/1"})",
        R"([["Host","h"],["user-agent",["UA/1"]]])"}) {
    BOOST_TEST(decode("\"request\":{\"headers\":" + std::string(headers) + "}") == "");
    BOOST_TEST(rest_of_data() == R"(,"user_agent":"UA/1"})", headers);
  }
  BOOST_TEST(decode(R"("request":{"headers":{"User-Agent":["a","b"]}})") == "");
  BOOST_TEST(rest_of_data() == R"(,"user_agent":"a, b"})");
}

BOOST_AUTO_TEST_CASE(a_message_may_bring_a_stack) {
  const std::string stack =
      R"("stacktrace":{"frames":[{"function":"f","filename":"a.py","lineno":2}]})";
  const std::string reported = R"~(,"stack":"    at f (a.py:2)"})~";
  for (
      const std::string& threads :
      {R"("threads":{"values":[{"id":1},{"current":true,)" + stack + "}]}",
       R"("threads":{"values":[{"current":true,"stacktrace":{"frames":[{"function":"no"}]}},{"crashed":true,)" +
           stack + "}]}",
       R"("threads":[{)" + stack + "}]", stack}) {
    const std::string made = fingerprint_of("\"message\":\"m\"," + threads);
    BOOST_TEST(event.msg == "m");
    BOOST_TEST(rest_of_data() == reported, threads);
    BOOST_TEST(made == fingerprint_of(R"("message":"m")"));
  }
  BOOST_TEST(decode(R"("threads":[{)" + stack + "},{" + stack + "}]") == "");
  BOOST_TEST(rest_of_data() == "}", "none of two threads is meant");
  // An exception without a stack has the thread's.
  BOOST_TEST(decode(R"("exception":[{"type":"E"}],"threads":[{)" + stack + "}]") == "");
  BOOST_TEST(rest_of_data() == R"~(,"exception":{"type":"E"},"stack":"E\n    at f (a.py:2)"})~");
}

BOOST_AUTO_TEST_CASE(old_names_and_scalars_are_understood) {
  BOOST_TEST(decode(R"("sentry.interfaces.Exception":[{"type":"E","value":"v"}],"release":1.5,
    "environment":7,"sentry.interfaces.Http":{"url":"http://x/"})") == "");
  BOOST_TEST(event.msg == "E: v");
  BOOST_TEST(rest_of_data() == R"(,"exception":{"type":"E","value":"v"},"release":"1.5",)"
                               R"("environment":"7","url":"http://x/"})");
}

BOOST_AUTO_TEST_CASE(times_are_read) {
  BOOST_TEST(decode_envelope("{\"event_id\":\"" + std::string(kSentryId) +
                             "\",\"sent_at\":\"2027-01-15T08:00:01Z\"}\n{\"type\":\"event\"}\n"
                             "{\"timestamp\":1800000000.5}") == "");
  BOOST_TEST(content.sent_at.value() == 1'800'000'001'000);
  BOOST_TEST(event.timestamp.value() == 1'800'000'000'500);
  BOOST_TEST(decode("") == "");
  BOOST_TEST(!event.timestamp.has_value());
  BOOST_TEST(!content.sent_at.has_value());
}

BOOST_AUTO_TEST_CASE(items_of_other_types_are_passed_over) {
  BOOST_TEST(decode_envelope("{\"event_id\":\"" + std::string(kSentryId) +
                             "\"}\n"
                             "{\"type\":\"session\"}\nno json\n"
                             "{\"type\":\"attachment\",\"length\":3}\n\n\xff\n\n") == "");
  BOOST_TEST(!content.has_event);
  BOOST_TEST(sentry_id_text(*content.id) == kSentryId);
  BOOST_TEST(decode_envelope("{}\n") == "");
  BOOST_TEST(!content.has_event);
  BOOST_TEST(!content.id.has_value());
  BOOST_TEST(decode_envelope("{\"event_id\":\"" + std::string(kSentryId) +
                             "\"}\n"
                             "{\"type\":\"attachment\",\"length\":1}\n\n\n"
                             "{\"type\":\"event\"}\n{\"message\":\"m\"}\n"
                             "{\"type\":\"x\"}\n{}\n") == "");
  BOOST_TEST(content.has_event);
  BOOST_TEST(event.msg == "m");
}

BOOST_AUTO_TEST_CASE(the_id_may_stand_in_the_event_alone_but_must_be_one) {
  const auto event_with = [](std::string_view id) {
    return "{}\n{\"type\":\"event\"}\n{\"event_id\":" + std::string(id) + "}";
  };
  BOOST_TEST(decode_envelope(event_with('"' + std::string(kSentryId) + '"')) == "");
  BOOST_TEST(sentry_id_text(event.id) == kSentryId);
  for (const char* id : {"null", "1", "\"\"", "\"00000000000000000000000000000000\""}) {
    BOOST_TEST(decode_envelope(event_with(id)) == "event_id must be 32 hexadecimal digits", id);
  }
}

BOOST_AUTO_TEST_CASE(only_a_random_id_is_stored_as_it_is) {
  const auto stored = [this](std::string_view id) {
    BOOST_TEST(decode_envelope("{\"event_id\":\"" + std::string(id) +
                               "\"}\n{\"type\":\"event\"}\n{}") == "");
    BOOST_TEST(sentry_id_text(event.event_id) == id);
    BOOST_TEST(event.data.find(id) != std::string::npos);
    return sentry_id_text(event.id);
  };
  BOOST_TEST(stored(kSentryId) == kSentryId);
  // Of versions 7 and 8, and of another variant.
  for (const char* id : {"019a9b2c3d4e7f608a7b9c0d1e2f3a4b", "9ec79c33ec9982ab8353589fcb2e04dc",
                         "9ec79c33ec9942ab0353589fcb2e04dc"}) {
    const std::string other = stored(id);
    BOOST_TEST(other != id);
    BOOST_TEST(other[12] == '8');
    BOOST_TEST(stored(id) == other);
  }
}

BOOST_AUTO_TEST_CASE(one_broken_item_spoils_the_envelope) {
  const std::string good = "{\"event_id\":\"" + std::string(kSentryId) +
                           "\"}\n{\"type\":\"event\"}\n{\"message\":\"m\"}\n";
  BOOST_TEST(decode_envelope(good) == "");
  BOOST_TEST(decode_envelope(good + "{\"type\":\"x\",\"length\":9}\n1") ==
             "item 1 is longer than the rest of the envelope");
  BOOST_TEST(decode_envelope(good + "{\"type\":\"event\"}\n{}\n") ==
             "envelope has more than one event");
  BOOST_TEST(decode("\"a\":") ==
             "event is not valid JSON: its brackets, commas or colons do not fit");
  BOOST_TEST(decode_envelope("{}\n{\"type\":\"event\"}\n[]") == "event must be object");
  BOOST_TEST(decode_envelope("{}\n{\"type\":\"event\"}\n") == "event is empty");
  BOOST_TEST(decode("\"a\":" + std::string(100, '[') + std::string(100, ']')) ==
             "event is nested more than 64 levels deep");
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(an_event_beyond_1_mib_is_too_large) {
  const std::string frame = "\"m\":\"\"";
  const std::size_t fill = SentryDecoder::kEventSizeMax - frame.size() - 2;
  BOOST_TEST(decode("\"m\":\"" + std::string(fill, 'x') + '"') == "");
  BOOST_TEST(decode("\"m\":\"" + std::string(fill + 1, 'x') + '"') == "event is larger than 1 MiB");
  BOOST_TEST(code == EMSGSIZE);
}

BOOST_AUTO_TEST_CASE(members_of_wrong_types_count_as_absent) {
  BOOST_TEST(decode(R"("exception":1,"message":{},"logentry":{},"tags":"t","release":{},
    "environment":[1],"platform":[],"transaction":null,"sdk":[{}],"contexts":{"trace":1},
    "request":{"url":1,"headers":[["User-Agent"],["User-Agent",{}],[],1]},"threads":7,"stacktrace":"x",
    "timestamp":{})") == "");
  BOOST_TEST(event.msg == "<unlabeled event>");
  BOOST_TEST(rest_of_data() == "}");
  BOOST_TEST(decode(R"("exception":{"values":[1,null,{"type":2,"value":[],
    "stacktrace":{"frames":[1,{"function":{},"filename":1,"lineno":-1,"colno":"x","in_app":3}]}}]})") ==
             "");
  BOOST_TEST(event.msg == "[]");
}

BOOST_AUTO_TEST_CASE(whatever_it_holds_the_data_is_bounded_and_json) {
  simdjson::dom::parser parser;
  for (const std::string unit : {"x", "\\n", "\\u001b", "\\\"", "é", "\\ud800", "\\u202e"}) {
    std::string filler;
    while (filler.size() < 5000) filler += unit;
    const std::string text = '"' + filler + '"';
    std::string frames;
    std::string tags;
    for (int i = 0; i < 60; ++i) {
      frames +=
          (i > 0 ? "," : "") + std::string("{\"function\":") + text + ",\"filename\":" + text + "}";
      const std::string name = filler.substr(0, 24) + std::to_string(i);
      tags += (i > 0 ? ",\"" : "\"") + name + "\":" + text;
    }
    BOOST_TEST(decode("\"exception\":[{\"type\":" + text + ",\"value\":" + text +
                      ",\"stacktrace\":{\"frames\":[" + frames + "]}}],\"tags\":{" + tags +
                      "},\"fingerprint\":[" + text + ',' + text + "],\"release\":" + text +
                      ",\"environment\":" + text + ",\"platform\":" + text +
                      ",\"transaction\":" + text + ",\"sdk\":{\"name\":" + text +
                      ",\"version\":" + text + "},\"contexts\":{\"trace\":{\"trace_id\":" + text +
                      "}},\"request\":{\"url\":" + text + ",\"headers\":{\"User-Agent\":" + text +
                      "}}") == "");
    BOOST_TEST(event.data.size() > 30'000u, unit);
    BOOST_TEST(event.data.size() <= SentryDecoder::kDataSizeMax, unit);
    BOOST_TEST(event.msg.size() <= 8192u, unit);
    BOOST_TEST(event.data.find('\n') == std::string::npos);
    BOOST_TEST(parser.parse(event.data).error() == simdjson::SUCCESS, unit);
  }
}

BOOST_AUTO_TEST_SUITE_END()
