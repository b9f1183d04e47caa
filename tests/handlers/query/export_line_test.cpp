#include "handlers/query/export_line.h"

#include <boost/test/unit_test.hpp>

#include "storage/event_id.h"

using namespace picortex;

namespace {

constexpr std::int64_t kTime = 1'794'924'000'123;

struct ExportFixture {
  EventRow row() const {
    const EventPlace place{.key = first_key_of(kTime) + 7, .tail = 12345};
    return {.key = place.key,
            .id = event_id(place),
            .time_ms = kTime,
            .level = Level::warn,
            .event_type = "linq.inbound",
            .request_id = *parse_uuid("0193391e-9ab4-7def-8abc-0123456789ab"),
            .chat_id = "chat-1",
            .msg = "hello",
            .data = R"({"msg":"inner","level":3,"id":null})"};
  }
  std::string written(const EventRow& event) {
    std::string line;
    append_export_line(line, json, event);
    BOOST_REQUIRE(line.ends_with('\n'));
    line.pop_back();
    BOOST_TEST(line.find('\n') == std::string::npos);
    return line;
  }
  Result<Event> read(const std::string& line) {
    padded = line + std::string(kJsonPadding, '\0');
    return reader.read({padded.data(), line.size()});
  }
  std::string rejection(const std::string& line) {
    const auto event = read(line);
    BOOST_TEST(!event.has_value(), line);
    return event ? "" : event.error().what;
  }
  void comes_back(const EventRow& event) {
    const auto back = read(written(event));
    BOOST_REQUIRE_MESSAGE(back.has_value(), (back ? "" : back.error().what));
    BOOST_TEST((back->id == event.id && back->request_id == event.request_id));
    BOOST_TEST(back->time_ms == event.time_ms);
    BOOST_TEST((back->level == event.level));
    BOOST_TEST(back->event_type == event.event_type);
    BOOST_TEST(back->chat_id == event.chat_id);
    BOOST_TEST(back->msg == event.msg);
    BOOST_TEST(back->data == event.data);
  }

  JsonDocument document{1024 * 1024};
  EventJson json{document};
  ExportLineReader reader;
  std::string padded;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(export_line, ExportFixture)

BOOST_AUTO_TEST_CASE(an_event_is_read_back_as_it_was) {
  comes_back(row());
  EventRow bare = row();
  bare.chat_id.clear();
  bare.msg.clear();
  bare.data.clear();
  comes_back(bare);
}

BOOST_AUTO_TEST_CASE(hostile_texts_are_read_back_unchanged) {
  EventRow event = row();
  event.event_type = "a\"b\\c\x7f\xe2\x80\xa8";
  event.chat_id = "\xf0\x9f\x98\x80\xc2\x85";
  event.msg = std::string("nul \0 newline \n escape \x1b[31m", 29);
  event.data =
      R"({"big":18446744073709551615,"small":-9223372036854775808,"x":0.1,"e":1e+20,"":"\u2028\n"})";
  comes_back(event);
}

BOOST_AUTO_TEST_CASE(data_may_be_nested_as_deeply_as_they_came) {
  EventRow event = row();
  event.data =
      "{\"a\":" + std::string(kJsonDepthMax - 1, '[') + std::string(kJsonDepthMax - 1, ']') + '}';
  comes_back(event);
}

BOOST_AUTO_TEST_CASE(an_id_without_the_place_is_exported_with_the_sequence) {
  BOOST_TEST(written(row()).find("sequence") == std::string::npos);
  EventRow event = row();
  event.id = *parse_uuid("6ba7b810-9dad-41d1-80b4-00c04fd430c8");
  BOOST_TEST(written(event).ends_with(",\"sequence\":7}"));
  const auto back = read(written(event));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((back->sequence == 7u));
}

BOOST_AUTO_TEST_CASE(a_skip_counts_as_one_again) {
  EventRow event = row();
  event.event_type = "discriminator.decision";
  event.data = R"({"decision":"skip"})";
  BOOST_TEST(read(written(event))->decision_skip);
  event.event_type = "other";
  BOOST_TEST(!read(written(event))->decision_skip);
}

BOOST_AUTO_TEST_CASE(lines_of_logs_as_json_are_events_too) {
  const std::string head =
      R"({"level":"warn","time":"2026-11-17T14:00:00.123Z","id":"0193391e-9ab4-7def-8abc-0123456789ab",)"
      R"("request_id":"0193391e-9ab4-7def-8abc-0123456789ac",)";
  const auto all = read(head + R"("chat_id":"c","event_type":"discriminator.decision",)"
                               R"("decision":"skip","data":{"a":1},"sequence":"x","msg":"hello"})");
  BOOST_REQUIRE_MESSAGE(all.has_value(), (all ? "" : all.error().what));
  BOOST_TEST(all->time_ms == kTime);
  BOOST_TEST(all->chat_id == "c");
  BOOST_TEST(all->msg == "hello");
  BOOST_TEST(all->decision_skip);
  BOOST_TEST(all->data == R"({"decision":"skip","data":{"a":1},"sequence":"x"})");
  BOOST_TEST(!all->sequence.has_value());
  const auto bare = read(head + R"("event_type":"t","msg":""})");
  BOOST_REQUIRE(bare.has_value());
  BOOST_TEST(bare->data == "");
  // Sorted by jq.
  BOOST_TEST(read(R"({"a":1,"event_type":"t","id":"0193391e-9ab4-7def-8abc-0123456789ab","level":)"
                  R"("info","msg":"","request_id":"0193391e-9ab4-7def-8abc-0123456789ac",)"
                  R"("time":"2026-11-17T14:00:00.123Z"})")
                 .has_value());
  BOOST_TEST(rejection(head + R"("msg":""})") == "event_type is missing");
  BOOST_TEST(rejection(head + R"("event_type":"t","__proto__":1,"msg":""})").find("__proto__") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_no_exported_event_is_rejected_with_a_reason) {
  const std::string good = written(row());
  BOOST_TEST(rejection("").find("is empty") != std::string::npos);
  BOOST_TEST(rejection("{").find("is not valid JSON") != std::string::npos);
  BOOST_TEST(rejection("[]") == "it is not a JSON object");
  BOOST_TEST(rejection("{}") == "id is missing");
  BOOST_TEST(rejection(R"({"event_type":"a","colour":"red"})") ==
             "\"colour\" is no member of an exported event");
  const auto with = [&good](std::string_view part, std::string_view other) {
    std::string line = good;
    line.replace(line.find(part), part.size(), other);
    return line;
  };
  BOOST_TEST(rejection(with("\"warn\"", "\"loud\"")) == "level is not what an export writes");
  BOOST_TEST(rejection(with("\"warn\"", "40")) == "level is not a string");
  BOOST_TEST(rejection(with("\"2026-11-17T", "\"yesterday T")) ==
             "time is not what an export writes");
  BOOST_TEST(rejection(with("\"linq.inbound\"", "\"\"")) == "event_type is not of 1 to 128 bytes");
  BOOST_TEST(rejection(with("\"chat-1\"", '"' + std::string(257, 'c') + '"')) ==
             "chat_id is longer than 256 bytes");
  BOOST_TEST(rejection(with("\"msg\":\"hello\"", "\"msg\":null")) == "msg is missing");
  BOOST_TEST(rejection(with("{\"msg\":\"inner\"", "[{\"msg\":\"inner\"")).find("not valid JSON") !=
             std::string::npos);
  BOOST_TEST(rejection(with("\"msg\":\"inner\"", "\"__proto__\":1")).find("forbidden prototype") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
