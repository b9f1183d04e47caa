#include "reactor/log.h"

#include <fnmatch.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <string>

#include "tests/support/scripted_loop.h"

using namespace picortex;
using test::Request;

namespace {

// Everything that could end a line, begin a field or move a cursor.
const std::string kHostile = std::string("a\nb\r\x1b[31m\"}\\,\x7f\xc2\x9b\xe2\x80\xa8\xff") + '\0';

struct LogFixture : test::ScriptedLoop {
  ~LogFixture() {
    output.abandon();
    reactor->iterate();
  }

  // The lines so far.
  std::string written(Log& log) {
    log.flush();
    if (!script.is_asked(Request::Kind::write)) return "";
    std::string text = script.request(Request::Kind::write).bytes;
    script.complete(Request::Kind::write, 1, static_cast<int>(text.size()));
    reactor->iterate();
    return text;
  }

  static std::size_t lines_in(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  static bool is_printable(const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
  }

  // A small judge of its own: strings, escapes and the nesting of a JSON object on one line.
  static bool is_json(std::string_view line) {
    std::string open;
    bool in_string = false;
    for (std::size_t at = 0; at + 1 < line.size(); ++at) {
      const char c = line[at];
      if (in_string) {
        if (static_cast<unsigned char>(c) < 0x20) return false;
        if (c == '\\') {
          const char escape = line[++at];
          if (escape == 'u') {
            if (line.substr(at + 1, 4).find_first_not_of("0123456789abcdef") != line.npos)
              return false;
            at += 4;
          } else if (std::string_view("\"\\bfnrt").find(escape) == std::string_view::npos) {
            return false;
          }
        }
        in_string = c != '"';
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{' || c == '[') {
        open += c == '{' ? '}' : ']';
      } else if (c == '}' || c == ']') {
        if (open.empty() || open.back() != c) return false;
        open.pop_back();
        if (open.empty() && at + 2 != line.size()) return false;
      } else if (c == ',' && (line[at + 1] == ',' || line[at + 1] == '}')) {
        return false;
      }
    }
    return open.empty() && !in_string && line.starts_with('{') && line.ends_with("}\n");
  }

  Output output{*reactor, 1, 64 * 1024};
  Uuid id = *parse_uuid("01890a5d-ac96-774b-bcce-b302099a8057");
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(log_lines, LogFixture)

BOOST_AUTO_TEST_CASE(a_line_has_the_shape_and_order_of_pino) {
  Log log(*reactor, output, {});
  log.line(Level::warn, "test.event", {.request_id = &id, .chat_id = "chat"})
      .text("text", "value")
      .number("whole", std::int64_t{-5})
      .number("part", 1.5)
      .boolean("truth", true)
      .json("list", "[1,2]")
      .members(R"({"more":1,"less":2})")
      .members("{}")
      .message("hello");
  const char* shape =
      R"({"level":"warn","time":"????-??-??T??:??:??.???Z","pid":*,"hostname":"*",)"
      R"("request_id":"01890a5d-ac96-774b-bcce-b302099a8057",)"
      R"("chat_id":"chat","event_type":"test.event","text":"value","whole":-5,"part":1.500,)"
      R"("truth":true,"list":\[1,2\],"more":1,"less":2,"msg":"hello"})"
      "\n";
  const std::string line = written(log);
  BOOST_TEST(fnmatch(shape, line.c_str(), 0) == 0, line);
}

BOOST_AUTO_TEST_CASE(levels_below_the_setting_are_not_written) {
  Log log(*reactor, output, {.level = Level::error});
  log.line(Level::warn, "quiet").text("name", "value").members(R"({"a":1})").message("no");
  log.line(Level::error, "loud").message("yes");
  const std::string text = written(log);
  BOOST_TEST(lines_in(text) == 1u);
  BOOST_TEST(text.find("loud") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(levels_may_be_numbers) {
  Log log(*reactor, output, {.numeric_levels = true});
  log.line(Level::fatal, "e").message("m");
  BOOST_TEST(written(log).starts_with(R"({"level":60,"time":")"));
}

BOOST_AUTO_TEST_CASE(nothing_that_is_put_in_forges_a_line_or_paints_a_terminal) {
  for (const auto format : {Log::Format::json, Log::Format::pretty}) {
    Log log(*reactor, output, {.format = format});
    log.line(Level::info, "e").message("m");
    const std::size_t lines_of_plain = lines_in(written(log));
    log.line(Level::info, kHostile, {.request_id = nullptr, .chat_id = kHostile})
        .text("name", kHostile)
        .message(kHostile);
    const std::string text = written(log);
    BOOST_TEST(is_printable(text), text);
    // In pretty mode a field has a line of its own.
    BOOST_TEST(lines_in(text) == lines_of_plain + (format == Log::Format::pretty ? 2 : 0), text);
  }
}

BOOST_AUTO_TEST_CASE(a_quote_in_the_message_ends_no_string) {
  Log log(*reactor, output, {});
  log.line(Level::info, "e").message("say \"hi\" \\ bye");
  const std::string text = written(log);
  BOOST_TEST(text.ends_with("\"msg\":\"say \\\"hi\\\" \\\\ bye\"}\n"), text);
}

BOOST_AUTO_TEST_CASE(pretty_mode_reads_like_pino_pretty) {
  Log log(*reactor, output, {.format = Log::Format::pretty});
  log.line(Level::error, "test.event").number("count", std::int64_t{3}).message("went wrong");
  const char* shape =
      "\\[??:??:??.???\\] ERROR (*): went wrong\n"
      "    event_type: \"test.event\"\n"
      "    count: 3\n";
  const std::string text = written(log);
  BOOST_TEST(fnmatch(shape, text.c_str(), 0) == 0, text);
}

BOOST_AUTO_TEST_CASE(colour_ends_where_it_began) {
  Log log(*reactor, output, {.format = Log::Format::pretty_coloured});
  log.line(Level::info, "e").message("m");
  const std::string text = written(log);
  BOOST_TEST(text.find("\x1b[32mINFO\x1b[39;49m") != std::string::npos, text);
  BOOST_TEST(text.find("\x1b[36mm\x1b[39;49m\n") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(no_line_is_longer_than_a_collector_takes) {
  const std::string nested = "{\"a\":[" + std::string(20'000, '1') + "],\"b\":\"" +
                             std::string(30'000, 'b') + "\",\"c\":{\"d\":\"}]\"},\"e\":\"" +
                             std::string(5'000, 'e') + "\"}";
  std::string many = "{";
  for (int i = 0; i < 3000; ++i) many += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"v\"";
  many += '}';
  std::string pairs = "{\"p\":\"x";
  for (int i = 0; i < 3000; ++i) pairs += "\\ud83d\\ude00";
  pairs += "\"}";
  for (const auto format : {Log::Format::json, Log::Format::pretty, Log::Format::pretty_coloured}) {
    Log log(*reactor, output, {.format = format});
    for (const std::string& part : {std::string("x"), std::string("\n"), std::string("\"\\"),
                                    std::string("\xe2\x82\xac"), std::string("\xff"), kHostile}) {
      for (const std::size_t size : {100u, 3'000u, 8'190u, 12'000u, 16'000u, 20'000u, 200'000u}) {
        std::string text;
        while (text.size() < size) text += part;
        for (const std::string& object : {nested, many, pairs, std::string("{}")}) {
          log.line(Level::info, "e", {.request_id = &id, .chat_id = std::string(256, '\n')})
              .text("one", text)
              .members(object)
              .text("two", text)
              .number("three", std::int64_t{3})
              .message(text);
          const std::string line = written(log);
          BOOST_TEST(line.size() <= Log::kLineSizeMax);
          BOOST_TEST(line.ends_with('\n'));
          const bool is_cut = line.find("truncated") != std::string::npos;
          if (size < 200 || size > 8'000) BOOST_TEST(is_cut == (size > 200 || object != "{}"));
          if (format == Log::Format::json) {
            BOOST_TEST(is_json(line), line);
            BOOST_TEST(lines_in(line) == 1u);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_cut_line_says_so_before_its_message) {
  Log log(*reactor, output, {});
  log.line(Level::info, "e").text("long", std::string(20'000, 'x')).message("short");
  BOOST_TEST(written(log).ends_with("x\",\"truncated\":true,\"msg\":\"short\"}\n"));
  log.line(Level::info, "e").text("long", std::string(8'000, 'x')).message("short");
  BOOST_TEST(written(log).ends_with("x\",\"msg\":\"short\"}\n"));
}

BOOST_AUTO_TEST_CASE(nothing_is_logged_about_a_log_that_cannot_be_written) {
  Log log(*reactor, output, {});
  log.line(Level::info, "e").message("m");
  log.flush();
  script.complete(Request::Kind::write, 1, -EPIPE);
  reactor->iterate();
  for (int turn = 0; turn < 10; ++turn) {
    log.flush();
    reactor->iterate();
  }
  BOOST_TEST(output.lines_dropped() == 1u);
  BOOST_TEST(output.errors() == 1u);
  BOOST_TEST(output.bytes_waiting() == 0u);
  pass(Output::kRetryDelay);
  log.line(Level::info, "e").message("again");
  BOOST_TEST(written(log).find("log.dropped") == std::string::npos);
  const std::string reported = written(log);
  BOOST_TEST(
      reported.find(R"("event_type":"log.dropped","count":1,"errors":1,"error":"Broken pipe")") !=
          std::string::npos,
      reported);
}

BOOST_AUTO_TEST_CASE(dropped_lines_are_reported_of_once_there_is_room) {
  for (const Level level : {Level::info, Level::error}) {
    LogFixture it;
    Log log(*it.reactor, it.output, {.level = level});
    while (it.output.lines_dropped() < 3) {
      log.line(Level::error, "e").message(std::string(200, 'x'));
    }
    const std::string full = it.written(log);
    BOOST_TEST(full.find("log.dropped") == std::string::npos);
    const std::string reported = it.written(log);
    BOOST_TEST(reported.find(R"("event_type":"log.dropped","count":3,)") != std::string::npos,
               reported);
    BOOST_TEST(it.written(log) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
