#include "handlers/ingest/event_decoder.h"

#include <boost/test/unit_test.hpp>

#include "base/time/timestamp.h"
#include "tests/handlers/padded_body.h"

using namespace picortex;

namespace {

constexpr std::string_view kDecodedId = "0192f0c4-7a3b-7c11-8d22-123456789abc";

const EventDefaults kDefaults{1'700'000'000'000,
                              *parse_uuid("01900000-0000-7000-8000-000000000001")};

struct EventDecoderFixture {
  JsonDocument document{1 << 20};
  EventDecoder decoder{document};
  EventBatch batch;
  EventDefaults defaults = kDefaults;
  std::vector<RejectedEvent> rejected;

  // Empty when the body was taken, else the error.
  std::string decode(std::string_view text, EventMedia media = EventMedia::json) {
    PaddedBody body(text);
    const auto done = decoder.decode(media, body.bytes(), defaults, batch);
    if (!done) BOOST_TEST(batch.events().empty());
    return done ? "" : done.error().what;
  }

  const Event& only() {
    BOOST_REQUIRE(batch.events().size() == 1);
    return batch.events().front();
  }
};

std::string object(std::string_view members) {
  return "{\"event_type\":\"t\"," + std::string(members) + "}";
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(event_decoder, EventDecoderFixture)

BOOST_AUTO_TEST_CASE(an_event_needs_only_its_type) {
  BOOST_TEST(decode(R"({"event_type":"tmux.turn.start"})") == "");
  BOOST_TEST(only().event_type == "tmux.turn.start");
  BOOST_TEST(only().time_ms == kDefaults.time_ms);
  BOOST_TEST(bool(only().level == Level::info));
  BOOST_TEST(bool(only().request_id == kDefaults.request_id));
  BOOST_TEST(only().chat_id == "");
  BOOST_TEST(only().msg == "");
  BOOST_TEST(only().data == "");
  BOOST_TEST(!only().id.has_value());
  BOOST_TEST(!only().decision_skip);
}

BOOST_AUTO_TEST_CASE(every_member_has_its_place_and_the_rest_is_data) {
  BOOST_TEST(decode(R"({"level":"WARN","time":"2026-11-17T14:00:00.123Z","chat_id":"chat 1",
                        "request_id":")" +
                    std::string(kDecodedId) + R"(","event_type":"a.b","n":{"x":[1,2]},
                        "id":")" +
                    std::string(kDecodedId) + R"(","msg":"hello\n","pid":7})") == "");
  BOOST_TEST(bool(only().level == Level::warn));
  BOOST_TEST(only().time_ms == *parse_iso_time("2026-11-17T14:00:00.123Z"));
  BOOST_TEST(only().chat_id == "chat 1");
  BOOST_TEST(only().event_type == "a.b");
  BOOST_TEST(only().msg == "hello\n");
  BOOST_TEST(to_string(only().request_id) == kDecodedId);
  BOOST_TEST(to_string(*only().id) == kDecodedId);
  BOOST_TEST(only().data == R"({"n":{"x":[1,2]},"pid":7})");
}

BOOST_AUTO_TEST_CASE(null_is_not_given_and_of_two_the_last_counts) {
  BOOST_TEST(decode(object(R"("time":null,"level":null,"chat_id":null,"request_id":null,"msg":null,
                              "id":null,"level":"error")")) == "");
  BOOST_TEST(bool(only().level == Level::error));
  BOOST_TEST(decode(object(R"("msg":"a","msg":"b","x":1,"x":2,"chat_id":"c","chat_id":null)")) ==
             "");
  BOOST_TEST(only().msg == "b");
  BOOST_TEST(only().chat_id == "");
  BOOST_TEST(only().data == R"({"x":2})");
}

BOOST_AUTO_TEST_CASE(times_are_iso_or_seconds_or_milliseconds_since_1970) {
  const auto time_of = [&](std::string_view time) {
    return decode(object("\"time\":" + std::string(time))) == "" ? only().time_ms : -1;
  };
  BOOST_TEST(time_of("1763388000123") == 1763388000123);
  BOOST_TEST(time_of("1763388000123.987") == 1763388000123);
  BOOST_TEST(time_of("0") == 0);
  BOOST_TEST(time_of("7258118399999") == kLatestUnixMs);
  BOOST_TEST(time_of("\"2025-11-17T15:00:00.5+01:00\"") ==
             *parse_iso_time("2025-11-17T14:00:00.5Z"));
  // Seconds, as time(), Python's time.time() and pino's unixTime give them.
  BOOST_TEST(time_of("1763388000") == 1763388000000);
  BOOST_TEST(time_of("1763388000.25") == 1763388000250);
  BOOST_TEST(time_of("1763388000.123456") == 1763388000123);
  BOOST_TEST(time_of("1.763388e9") == 1763388000000);
  BOOST_TEST(time_of("7258118399") == 7258118399000);
  BOOST_TEST(time_of("100000000000") == 100000000000);
  // The same as texts.
  BOOST_TEST(time_of("\"1763388000\"") == 1763388000000);
  BOOST_TEST(time_of("\"1763388000123\"") == 1763388000123);
  BOOST_TEST(time_of("\"1763388000.5\"") == 1763388000500);
  BOOST_TEST(time_of("\"20251117T140000Z\"") == *parse_iso_time("2025-11-17T14:00:00Z"));
  for (const auto bad :
       {"7258118400000", "99999999999", "-1", "-0.5", "1e300", "18446744073709551615",
        "\"yesterday\"", "\"1763388000s\"", "\"nan\"", "\"1e9\"", "\"\"", "true", "{}", "[]"}) {
    BOOST_TEST(time_of(bad) == -1, bad);
  }
  BOOST_TEST(decode(object(R"("time":"noon")")) ==
             "event 0: time \"noon\" is neither an ISO 8601 time with its offset nor a number of "
             "seconds or milliseconds since 1970, up to 2199");
}

BOOST_AUTO_TEST_CASE(a_time_outside_of_what_is_kept_is_rejected_unless_it_is_wanted) {
  defaults.accepted = {.oldest_by_age_ms = 1'700'000'000'000,
                       .oldest_by_size_ms = 1'600'000'000'000,
                       .newest_ms = 1'800'000'000'000};
  for (const auto good : {"1700000000000", "1700000000", "1800000000000", "null"}) {
    BOOST_TEST(decode(object("\"time\":" + std::string(good))) == "", good);
  }
  BOOST_TEST(decode(object(R"("time":1699999999)")) ==
             "event 0: time 1699999999 is older than what is kept: events since "
             "2023-11-14T22:13:20.000Z; add ?keep=any to store it anyway");
  BOOST_TEST(decode(object(R"("time":1800000000001)")) ==
             "event 0: time 1800000000001 is more than a day in the future; add ?keep=any to store "
             "it anyway");
  // Of a logger's lines as well, whose other members may be anything.
  BOOST_TEST(decode(R"({"level":30,"time":0,"pid":1,"hostname":"h","msg":"x"})") != "");
  BOOST_TEST(decode(R"({"level":30,"time":"1970-01-01T00:00:00Z"})") != "");
  defaults.keep = Keep::any;
  BOOST_TEST(decode(object(R"("time":1699999999)")) == "");
  BOOST_TEST(only().time_ms == 1'699'999'999'000);
  BOOST_TEST(decode(object(R"("time":1800000000001)")) == "");
  // Nothing can be kept where there is no room for it.
  BOOST_TEST(
      decode(object(R"("time":1599999999)")) ==
      "event 0: time 1599999999 is older than the events for which the database has room: it "
      "keeps those since 2020-09-13T12:26:40.000Z");
}

BOOST_AUTO_TEST_CASE(levels_are_labels_or_pino_numbers) {
  const auto level_of = [&](std::string_view level) {
    return decode(object("\"level\":" + std::string(level))) == "" ? static_cast<int>(only().level)
                                                                   : -1;
  };
  BOOST_TEST(level_of("50") == 50);
  BOOST_TEST(level_of("35") == 30);
  BOOST_TEST(level_of("\"Fatal\"") == 60);
  BOOST_TEST(level_of("0") == 60);
  for (const auto& [label, level] : {std::pair{"warning", 40},
                                     {"WARNING", 40},
                                     {"Critical", 60},
                                     {"notice", 30},
                                     {"verbose", 10},
                                     {"err", 50},
                                     {"emerg", 60},
                                     {"alert", 60},
                                     {"crit", 60}}) {
    BOOST_TEST(level_of('"' + std::string(label) + '"') == level, label);
  }
  for (const auto bad : {"101", "-30", "\"\"", "\"30\"", "[]", "1e30"}) {
    BOOST_TEST(level_of(bad) == -1, bad);
  }
  BOOST_TEST(decode(object(R"("level":"loud")")) ==
             "event 0: level \"loud\" is not one of trace, debug, info, warn, error, fatal");
}

BOOST_AUTO_TEST_CASE(chat_ids_are_bounded_strings_or_numbers) {
  BOOST_TEST(decode(object(R"("chat_id":12345678901)")) == "");
  BOOST_TEST(only().chat_id == "12345678901");
  BOOST_TEST(decode(object("\"chat_id\":\"" + std::string(256, 'c') + "\"")) == "");
  BOOST_TEST(only().chat_id == std::string(256, 'c'));
  BOOST_TEST(decode(object("\"chat_id\":\"" + std::string(257, 'c') + "\""))
                 .ends_with("is longer than 256 bytes"));
  BOOST_TEST(decode(object(R"("chat_id":{"id":1})")) ==
             "event 0: chat_id (an object) is not a string");
}

BOOST_AUTO_TEST_CASE(event_types_are_checked) {
  BOOST_TEST(decode("{}") == "event 0: event_type is missing");
  BOOST_TEST(decode(R"({"event_type":null})") == "event 0: event_type is missing");
  BOOST_TEST(decode(R"({"event_type":""})") == "event 0: event_type is empty");
  BOOST_TEST(decode(R"({"event_type":5})") == "event 0: event_type 5 is not a string");
  BOOST_TEST(decode("{\"event_type\":\"" + std::string(128, 'x') + "\"}") == "");
  BOOST_TEST(decode("{\"event_type\":\"" + std::string(129, 'x') + "\"}")
                 .ends_with("is longer than 128 bytes"));
  for (const auto bad : {R"(a\nb)", R"(\u0000)", R"(\u007f)", R"(\u0085)", "\xc2\x9b"}) {
    BOOST_TEST(decode("{\"event_type\":\"" + std::string(bad) + "\"}") ==
               "event 0: event_type holds a control character");
  }
  BOOST_TEST(decode(R"({"event_type":"größe"})") == "");
}

BOOST_AUTO_TEST_CASE(uuids_are_checked_and_named) {
  BOOST_TEST(decode(object(R"("id":"7")")) == "event 0: id \"7\" is not a UUID");
  BOOST_TEST(decode(object(R"("msg":[1])")) == "event 0: msg (an array) is not a string");
}

BOOST_AUTO_TEST_CASE(a_foreign_request_id_is_kept_under_another_name) {
  const auto data_of = [&](std::string_view members) {
    BOOST_TEST(decode(object(members)) == "");
    BOOST_TEST(bool(only().request_id == kDefaults.request_id));
    return std::string(only().data);
  };
  BOOST_TEST(data_of(R"("request_id":"req-1")") == R"({"client_request_id":"req-1"})");
  BOOST_TEST(data_of(R"("request_id":7,"a":1)") == R"({"a":1,"client_request_id":7})");
  BOOST_TEST(data_of(R"("request_id":"")") == R"({"client_request_id":""})");
  BOOST_TEST(data_of(R"("request_id":{"a":[1]})") == R"({"client_request_id":{"a":[1]}})");
  BOOST_TEST(data_of(R"("request_id":"x","client_request_id":"y")") ==
             R"({"request_id":"x","client_request_id":"y"})");
  BOOST_TEST(decode(object(R"("request_id":{"__proto__":1})")) ==
             "event 0: it contains the forbidden prototype property __proto__");
}

BOOST_AUTO_TEST_CASE(lines_of_pino_are_taken_under_all_of_its_options) {
  const auto take = [&](std::string_view line) -> const Event& {
    BOOST_TEST(decode(line, EventMedia::ndjson) == "", line);
    BOOST_TEST(only().event_type == "log");
    return only();
  };
  BOOST_TEST(take(R"({"level":30,"pid":1,"hostname":"h","msg":"x"})").time_ms == kDefaults.time_ms);
  BOOST_TEST(take(R"({"level":30,"time":1531171074631,"user":"a"})").data == R"({"user":"a"})");
  BOOST_TEST(take(R"({"level":40,"user":"a"})").data == R"({"user":"a"})");
  BOOST_TEST(take(R"({"level":30})").data == "");
  const Event& message = take(R"({"level":30,"time":1531171074631,"message":"x"})");
  BOOST_TEST(message.msg == "x");
  BOOST_TEST(message.data == "");
  BOOST_TEST(take(R"({"level":30,"text":"x"})").data == R"({"text":"x"})");
  BOOST_TEST(take(R"({"level":30,"msg":"x","message":"y"})").data == R"({"message":"y"})");
  const Event& custom = take(R"({"level":"audit","time":1531171074631,"msg":"x"})");
  BOOST_TEST(bool(custom.level == Level::info));
  BOOST_TEST(custom.data == R"({"level":"audit"})");
  BOOST_TEST(bool(take(R"({"level":110,"msg":"x"})").level == Level::fatal));
  BOOST_TEST(bool(take(R"({"level":35,"msg":"x"})").level == Level::info));
  BOOST_TEST(take(R"({"level":50,"error":{"type":"E","stack":"s"},"msg":"x"})").data ==
             R"({"error":{"type":"E","stack":"s"}})");
  BOOST_TEST(take(R"({"level":30,"payload":{"a":1},"msg":"x"})").data == R"({"payload":{"a":1}})");
  BOOST_TEST(take(R"({"level":30,"time":"Tue Nov 17","chat_id":["c"],"msg":"x"})").data ==
             R"({"time":"Tue Nov 17","chat_id":["c"]})");
  const Event& severity = take(R"({"severity":"ERROR","message":"x","pid":1})");
  BOOST_TEST(bool(severity.level == Level::error));
  BOOST_TEST(severity.msg == "x");
  BOOST_TEST(bool(take(R"({"levelname":"WARNING","pid":1,"hostname":"h"})").level == Level::warn));
}

BOOST_AUTO_TEST_CASE(a_custom_level_with_a_type_needs_a_loggers_base) {
  BOOST_TEST(decode(object(R"("level":"audit","pid":1,"hostname":"h")")) == "");
  BOOST_TEST(only().event_type == "t");
  BOOST_TEST(only().data == R"({"level":"audit","pid":1,"hostname":"h"})");
  BOOST_TEST(decode(object(R"("level":"audit","pid":1)")) != "");
}

BOOST_AUTO_TEST_CASE(lines_may_have_the_media_type_of_one_object) {
  BOOST_TEST(decode("{\"event_type\":\"a\"}\n{\"event_type\":\"b\"}\n") == "");
  BOOST_TEST(batch.events().size() == 2u);
  BOOST_TEST(decode("\n {\"event_type\":\"a\"}\r\n\r\n{\"event_type\":\"b\"}") == "");
  BOOST_TEST(batch.events().size() == 2u);
  BOOST_TEST(decode("{\n\"event_type\":\n\"a\"\n}\n") == "");
  BOOST_TEST(batch.events().size() == 1u);
  BOOST_TEST(decode("{\"event_type\":\"a\"}\n{\"event_type\":}") ==
             "event 1 is not valid JSON: its brackets, commas or colons do not fit");
  BOOST_TEST(decode("{\n\"event_type\":\n}") ==
             "Body is not valid JSON: its brackets, commas or colons do not fit");
}

BOOST_AUTO_TEST_CASE(of_a_part_the_bad_ones_are_named_and_the_others_taken) {
  const auto decode_partly = [&](std::string_view text, EventMedia media) {
    PaddedBody body(text);
    const auto done = decoder.decode_partly(media, body.bytes(), defaults, batch, rejected);
    return done ? "" : done.error().what;
  };
  BOOST_TEST(
      decode_partly(R"([{"event_type":"a","msg":"1"},7,{"msg":"x"},{"event_type":"b","id":"z",
                              "msg":"bad"},{"event_type":"c","msg":"2"}])",
                    EventMedia::json) == "");
  BOOST_REQUIRE(batch.events().size() == 2u);
  BOOST_TEST(batch.events()[0].msg == "1");
  BOOST_TEST(batch.events()[1].event_type == "c");
  BOOST_TEST(batch.events()[1].msg == "2");
  BOOST_REQUIRE(rejected.size() == 3u);
  BOOST_TEST(rejected[0].index == 1u);
  BOOST_TEST(rejected[0].reason == "it is not a JSON object");
  BOOST_TEST(rejected[1].reason == "event_type is missing");
  BOOST_TEST(rejected[2].index == 3u);
  BOOST_TEST(rejected[2].reason == "id \"z\" is not a UUID");
  BOOST_TEST(decode_partly("{\"event_type\":\"a\"}\n\n{oops\n{\"event_type\":\"b\"}",
                           EventMedia::ndjson) == "");
  BOOST_TEST(batch.events().size() == 2u);
  BOOST_REQUIRE(rejected.size() == 1u);
  BOOST_TEST(rejected[0].index == 1u);
  BOOST_TEST(rejected[0].reason.starts_with("it is not valid JSON: "));
  BOOST_TEST(decode_partly("7", EventMedia::json) == "");
  BOOST_TEST(batch.events().empty());
  BOOST_TEST(decode_partly("[", EventMedia::json) != "");
  std::string many;
  for (std::size_t i = 0; i <= kEventsPerRequestMax; ++i) many += "oops\n";
  BOOST_TEST(decode_partly(many, EventMedia::ndjson) == "Body contains more than 10000 events");
}

BOOST_AUTO_TEST_CASE(lines_of_pino_are_taken_as_they_are) {
  const std::string lines =
      R"({"level":30,"time":1531171074631,"pid":657,"hostname":"host","msg":"hi"})"
      "\n"
      R"({"level":"error","time":1531171074631,"pid":657,"hostname":"host","a":1})"
      "\n"
      R"({"level":30,"time":1531171074631,"msg":5,"id":42})"
      "\n"
      R"({"level":30,"time":1531171074631,"msg":{"a":1},"id":null})"
      "\n";
  BOOST_TEST(decode(lines + R"({"level":30,"time":1,"msg":{"a":1},"event_type":"x"})",
                    EventMedia::ndjson) == "event 4: msg (an object) is not a string");
  BOOST_TEST(decode(lines, EventMedia::ndjson) == "");
  const auto events = batch.events();
  BOOST_REQUIRE(events.size() == 4);
  for (const auto& event : events) BOOST_TEST(event.event_type == "log");
  BOOST_TEST(events[0].msg == "hi");
  BOOST_TEST(events[0].time_ms == 1531171074631);
  BOOST_TEST(events[0].data == R"({"pid":657,"hostname":"host"})");
  BOOST_TEST(bool(events[1].level == Level::error));
  BOOST_TEST(events[1].data == R"({"pid":657,"hostname":"host","a":1})");
  BOOST_TEST(events[2].msg == "5");
  BOOST_TEST(events[2].data == R"({"id":42})");
  BOOST_TEST(events[3].msg == "");
  BOOST_TEST(events[3].data == R"({"msg":{"a":1}})");
}

BOOST_AUTO_TEST_CASE(what_only_resembles_a_pino_line_needs_a_type) {
  for (const auto text : {R"({"msg":"x"})", R"({"time":1,"msg":"x"})", R"({"time":1,"pid":1})",
                          R"({"level":null,"hostname":"h"})", R"({"severity":"loud"})"}) {
    BOOST_TEST(decode(text) == "event 0: event_type is missing");
  }
}

BOOST_AUTO_TEST_CASE(an_array_keeps_its_order_and_its_texts) {
  std::string text = "[";
  for (int i = 0; i < 2000; ++i) {
    text += "{\"event_type\":\"type" + std::to_string(i) + "\",\"msg\":\"m" + std::to_string(i) +
            "\",\"n\":" + std::to_string(i) + "},";
  }
  text.back() = ']';
  BOOST_TEST(decode(text) == "");
  const EventBatch moved = std::move(batch);
  BOOST_REQUIRE(moved.events().size() == 2000);
  for (std::size_t i = 0; i < 2000; ++i) {
    BOOST_REQUIRE(moved.events()[i].event_type == "type" + std::to_string(i));
    BOOST_REQUIRE(moved.events()[i].msg == "m" + std::to_string(i));
    BOOST_REQUIRE(moved.events()[i].data == "{\"n\":" + std::to_string(i) + "}");
  }
}

BOOST_AUTO_TEST_CASE(short_texts_stay_when_the_batch_moves) {
  BOOST_TEST(decode(R"({"event_type":"t"})") == "");
  const EventBatch moved = std::move(batch);
  BOOST_TEST(moved.events().front().event_type == "t");
}

BOOST_AUTO_TEST_CASE(lines_end_with_lf_or_crlf_and_blank_ones_do_not_count) {
  BOOST_TEST(
      decode("\r\n{\"event_type\":\"a\"}\r\n\n  \n{\"event_type\":\"b\"}\n{\"event_type\":\"c\"}",
             EventMedia::ndjson) == "");
  BOOST_REQUIRE(batch.events().size() == 3);
  BOOST_TEST(batch.events()[2].event_type == "c");
  BOOST_TEST(decode("{\"event_type\":\"a\"}\n\n{\"event_type\":\"b\"", EventMedia::ndjson) ==
             "event 1 is not valid JSON: its brackets, commas or colons do not fit");
  BOOST_TEST(decode("[{\"event_type\":\"a\"}]", EventMedia::ndjson) ==
             "event 0: it is not a JSON object");
}

BOOST_AUTO_TEST_CASE(a_body_without_events_is_rejected) {
  BOOST_TEST(decode("") == "Body is empty");
  BOOST_TEST(decode("  ") == "Body is empty");
  BOOST_TEST(decode("[]") == "Body contains no event: its array is empty");
  BOOST_TEST(decode("", EventMedia::ndjson) == "Body contains no event: all its lines are blank");
  BOOST_TEST(decode("\n \r\n", EventMedia::ndjson) ==
             "Body contains no event: all its lines are blank");
}

BOOST_AUTO_TEST_CASE(the_first_bad_event_rejects_all) {
  BOOST_TEST(decode(R"([{"event_type":"a"},{"event_type":"b"},{"event_type":"c"},
                        {"event_type":"d","level":"loud"}])") ==
             "event 3: level \"loud\" is not one of trace, debug, info, warn, error, fatal");
  BOOST_TEST(decode(R"([{"event_type":"a"},7])") == "event 1: it is not a JSON object");
  BOOST_TEST(decode("7") == "event 0: it is not a JSON object");
  BOOST_TEST(decode(R"([{"event_type":"a","x":{"__proto__":1}}])") ==
             "event 0: it contains the forbidden prototype property __proto__");
}

BOOST_AUTO_TEST_CASE(ten_thousand_events_are_the_most) {
  std::string text;
  for (std::size_t i = 0; i < kEventsPerRequestMax; ++i) text += "{\"event_type\":\"a\"}\n";
  BOOST_TEST(decode(text, EventMedia::ndjson) == "");
  BOOST_TEST(batch.events().size() == kEventsPerRequestMax);
  BOOST_TEST(decode(text + "{}", EventMedia::ndjson) == "Body contains more than 10000 events");
}

BOOST_AUTO_TEST_CASE(a_skip_is_seen_in_the_discriminators_decision_alone) {
  const auto skips = [&](std::string_view text) {
    BOOST_TEST(decode(text) == "");
    return only().decision_skip;
  };
  BOOST_TEST(skips(R"({"event_type":"discriminator.decision","decision":"skip"})"));
  BOOST_TEST(only().data == R"({"decision":"skip"})");
  BOOST_TEST(!skips(R"({"event_type":"discriminator.decision","decision":"engage"})"));
  BOOST_TEST(
      !skips(R"({"event_type":"discriminator.decision","decision":"skip","decision":"no"})"));
  BOOST_TEST(!skips(R"({"event_type":"discriminator.decision","decision":{"skip":1}})"));
  BOOST_TEST(!skips(R"({"event_type":"other","decision":"skip"})"));
}

BOOST_AUTO_TEST_SUITE_END()
