#include "cli/commands/timeline.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "cli/commands/time_expression.h"
#include "storage/event_id.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(timeline)

namespace {

constexpr std::int64_t kNow = 1'794'924'000'123;
const Uuid kRequest = *parse_uuid("019a9b2c-3d4e-7f60-8123-456789abcdef");
const Uuid kOther = *parse_uuid("019a9b2c-3d4e-7f60-8123-456789abcdff");

EventRow row(std::string msg, std::string data = {}, const Uuid& request = kRequest) {
  EventRow made;
  made.key = first_key_of(kNow);
  made.id = event_id({made.key, 5});
  made.time_ms = kNow;
  made.event_type = "linq.inbound";
  made.request_id = request;
  made.chat_id = "chat-1";
  made.msg = std::move(msg);
  made.data = std::move(data);
  return made;
}

// The lines of a timeline that is not coloured, without its header.
std::string lines(const std::vector<EventRow>& rows, EventIds ids = EventIds::hidden) {
  std::string out;
  Timeline(false, ids).append_in_turn(out, rows);
  return out.substr(out.find('\n') + 1);
}

std::string json(const EventRow& one) {
  std::string out;
  Timeline(false).append_json(out, one);
  return out;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_request_has_a_header_and_a_line_for_each_event) {
  std::string out;
  Timeline(false).append_in_turn(out, std::vector{row("are you there?", R"({"a":1,"b":"c d"})")});
  const std::string at = local_time(kNow);
  BOOST_TEST(out == at.substr(0, 19) + "  request 019a9b2c-3d4e-7f60  chat chat-1\n" + "  " +
                        at.substr(11) + " INFO  linq.inbound  are you there?  a=1 b=\"c d\"\n");
}

BOOST_AUTO_TEST_CASE(events_of_one_request_stand_together_in_the_order_of_the_requests) {
  const std::vector rows{row("one"), row("two", {}, kOther), row("three")};
  std::string grouped;
  Timeline(false).append_grouped(grouped, rows);
  BOOST_TEST(count(grouped, "request ") == 2u);
  BOOST_TEST(grouped.find("three") < grouped.find("two"));
  std::string in_turn;
  Timeline(false).append_in_turn(in_turn, rows);
  BOOST_TEST(count(in_turn, "request ") == 3u);
  BOOST_TEST(in_turn.find("two") < in_turn.find("three"));
}

BOOST_AUTO_TEST_CASE(a_timeline_that_goes_on_repeats_no_header) {
  Timeline timeline(false);
  std::string out;
  timeline.append_in_turn(out, std::vector{row("one")});
  timeline.append_in_turn(out, std::vector{row("two")});
  BOOST_TEST(count(out, "request ") == 1u);
}

BOOST_AUTO_TEST_CASE(the_event_that_was_asked_for_is_marked) {
  std::string out;
  Timeline(false).append_grouped(out, std::vector{row("one")}, first_key_of(kNow));
  BOOST_TEST(count(out, "\n> ") == 1u);
  out.clear();
  Timeline(false).append_grouped(out, std::vector{row("one")}, 1);
  BOOST_TEST(count(out, "\n> ") == 0u);
}

BOOST_AUTO_TEST_CASE(no_event_can_forge_a_line_or_drive_a_terminal) {
  EventRow hostile = row("a\nb\x1b[2J\xc2\x9b", R"({"k\n\u001b[31m":"v\r\n\u001b]0;x\u0007"})");
  hostile.event_type = "type\n\x1b[31m";
  hostile.chat_id = "chat\n\x1b[31m";
  std::string out;
  Timeline(false).append_in_turn(out, std::vector{hostile});
  // The header, the event's own line, and the lines of its text, each indented.
  BOOST_TEST(count(out, "\n") == 5u);
  BOOST_TEST(count(out, "\n      ") == 3u);
  const std::string text = json(hostile);
  BOOST_TEST(count(text, "\n") == 1u);
  out += text;
  BOOST_TEST(out.find_first_of("\x1b\r\x07") == out.npos);
  BOOST_TEST(out.find("\xc2\x9b") == out.npos);
}

BOOST_AUTO_TEST_CASE(data_that_is_no_object_is_shown_as_it_is) {
  BOOST_TEST(lines({row("m", "[1,2]")}).ends_with("  data=\"[1,2]\"\n"));
  BOOST_TEST(lines({row("m", "{broken")}).ends_with("  data=\"{broken\"\n"));
}

BOOST_AUTO_TEST_CASE(long_texts_are_cut_without_half_a_character) {
  const std::string line = lines({row(std::string(1999, 'x') + "ä")});
  BOOST_TEST(line.ends_with("x…\n"));
  const std::string value = lines({row("m", "{\"k\":\"" + std::string(300, 'y') + "\"}")});
  BOOST_TEST(count(value, "y") == 200u);
  BOOST_TEST(value.ends_with("…\"\n"));
}

BOOST_AUTO_TEST_CASE(an_id_is_as_short_as_no_other_event_shares) {
  EventRow placed = row("m");
  BOOST_TEST(short_event_id(placed).size() == 22u);
  BOOST_TEST(lines({placed}, EventIds::shown).ends_with("  id " + short_event_id(placed) + "\n"));
  placed.id = kRequest;  // a client's, which says nothing of the event's place
  BOOST_TEST(short_event_id(placed) == to_string(kRequest));
  BOOST_TEST(short_request_id(kRequest) == "019a9b2c-3d4e-7f60");
}

BOOST_AUTO_TEST_CASE(colours_are_written_only_where_they_are_wanted) {
  std::string out;
  Timeline(true).append_in_turn(out, std::vector{row("m")});
  BOOST_TEST(count(out, "\x1b[32m") == 1u);
  BOOST_TEST(count(lines({row("m")}), "\x1b") == 0u);
}

BOOST_AUTO_TEST_CASE(as_json_the_data_joins_the_events_own_members_and_hides_none) {
  const EventRow one = row("m", R"({"level":"forged","a":{"b":1},"msg":"forged"})");
  BOOST_TEST(json(one) == "{\"level\":\"info\",\"time\":\"2026-11-17T14:00:00.123Z\",\"id\":\"" +
                              to_string(one.id) + "\",\"request_id\":\"" + to_string(kRequest) +
                              "\",\"chat_id\":\"chat-1\",\"event_type\":\"linq.inbound\","
                              "\"a\":{\"b\":1},\"msg\":\"m\"}\n");
}

BOOST_AUTO_TEST_CASE(as_json_an_event_in_no_chat_and_without_data_has_neither) {
  EventRow bare = row("m");
  bare.chat_id.clear();
  const std::string text = json(bare);
  BOOST_TEST(text.find("chat_id") == text.npos);
  BOOST_TEST(text.ends_with("\"event_type\":\"linq.inbound\",\"msg\":\"m\"}\n"));
}

BOOST_AUTO_TEST_SUITE_END()
