#include "reactor/log.h"

#include <fnmatch.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/scripted_ring.h"

using namespace picortex;
using test::Request;
using test::ScriptedRing;

namespace {

// Everything that could end a line, begin a field or move a cursor.
const std::string kHostile = std::string("a\nb\r\x1b[31m\"}\\,\x7f\xc2\x9b\xe2\x80\xa8\xff") + '\0';

struct LogFixture {
  LogFixture() : reactor(*Reactor::open()), script(ScriptedRing::current()) {}
  ~LogFixture() {
    output.abandon();
    reactor->turn();
  }

  // The lines so far.
  std::string written(Log& log) {
    log.flush();
    if (!script.is_asked(Request::Kind::write)) return "";
    std::string text = script.request(Request::Kind::write).bytes;
    script.complete(Request::Kind::write, 1, static_cast<int>(text.size()));
    reactor->turn();
    return text;
  }

  static std::size_t lines_in(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  static bool is_printable(const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
  }

  std::unique_ptr<Reactor> reactor;
  ScriptedRing& script;
  Output output{*reactor, 1, 4096};
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

BOOST_AUTO_TEST_CASE(dropped_lines_are_told_of_once_there_is_room) {
  for (const Level level : {Level::info, Level::error}) {
    LogFixture it;
    Log log(*it.reactor, it.output, {.level = level});
    while (it.output.lines_dropped() < 3) {
      log.line(Level::error, "e").message(std::string(200, 'x'));
    }
    const std::string full = it.written(log);
    BOOST_TEST(full.find("log.dropped") == std::string::npos);
    const std::string told = it.written(log);
    BOOST_TEST(told.find(R"("event_type":"log.dropped","count":3,)") != std::string::npos, told);
    BOOST_TEST(it.written(log) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
