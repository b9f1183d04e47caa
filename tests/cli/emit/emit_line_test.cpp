#include "cli/emit/emit_line.h"

#include <boost/test/unit_test.hpp>

#include "base/uuid/uuid.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(emit_line)

namespace {

constexpr std::int64_t kTime = 1'795'000'000'123;
const Uuid kId = parse_uuid("0193391e-9ab4-7def-8abc-0123456789ab").value();
const std::string kIdMember = "\"id\":\"0193391e-9ab4-7def-8abc-0123456789ab\"";
const std::string kTimeMember = "\"time\":\"2026-11-18T11:06:40.123Z\"";

std::string complete(std::string_view line, const EmittedIds& ids = {}) {
  JsonDocument document(1024);
  return complete_line(document, line, ids, kId, kTime);
}

std::string json_of(std::string_view text) {
  const auto field = parse_emitted_field(text);
  BOOST_REQUIRE(field.has_value());
  return field->name + '|' + field->json;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_field_is_a_text_unless_it_says_json) {
  BOOST_TEST(json_of("version=1.10") == "version|\"1.10\"");
  BOOST_TEST(json_of("n:=1.5") == "n|1.5");
  BOOST_TEST(json_of("ok:=true") == "ok|true");
  BOOST_TEST(json_of("list:=[1, {\"a\": null}]") == "list|[1,{\"a\":null}]");
  BOOST_TEST(json_of("a=b=c") == "a|\"b=c\"");
  BOOST_TEST(json_of("a=x:=1") == "a|\"x:=1\"");
  BOOST_TEST(json_of("empty=") == "empty|\"\"");
  BOOST_TEST(json_of("a=line\nbreak \x1b") == "a|\"line\\nbreak \\u001b\"");
}

BOOST_AUTO_TEST_CASE(a_field_without_a_name_or_with_broken_json_is_an_error_that_names_it) {
  for (const char* text : {"", "name", "=value", ":=1"}) {
    const auto field = parse_emitted_field(text);
    BOOST_REQUIRE(!field.has_value());
    BOOST_TEST(field.error().what.find("give NAME=TEXT") != std::string::npos, text);
  }
  const auto broken = parse_emitted_field("list:=[1,");
  BOOST_REQUIRE(!broken.has_value());
  BOOST_TEST(broken.error().what.find("\"list\"") != std::string::npos);
  BOOST_TEST(broken.error().what.find("is not valid JSON") != std::string::npos);
  BOOST_TEST(!parse_emitted_field("long=" + std::string(64 * 1024 + 1, 'x')).has_value());
}

BOOST_AUTO_TEST_CASE(an_event_is_one_line_with_what_was_given) {
  const EmittedEvent event{
      "deploy.done", Level::warn, "it \"works\"", {{"n", "1"}, {"s", "\"x\""}}};
  BOOST_TEST(render_emitted(event, {"r", "c"}, kId, kTime) ==
             "{\"level\":\"warn\"," + kTimeMember +
                 ",\"event_type\":\"deploy.done\",\"request_id\":\"r\",\"chat_id\":\"c\",\"msg\":"
                 "\"it \\\"works\\\"\"," +
                 kIdMember + ",\"n\":1,\"s\":\"x\"}\n");
  BOOST_TEST(render_emitted({"t", Level::info, "", {}}, {}, kId, kTime) ==
             "{\"level\":\"info\"," + kTimeMember + ",\"event_type\":\"t\"," + kIdMember + "}\n");
}

BOOST_AUTO_TEST_CASE(a_line_gets_what_it_lacks) {
  BOOST_TEST(complete("{\"event_type\":\"t\"}") ==
             "{\"event_type\":\"t\"," + kTimeMember + ',' + kIdMember + "}\n");
  BOOST_TEST(complete("{ }") == "{" + kTimeMember + ',' + kIdMember + "}\n");
  BOOST_TEST(complete("{\"time\":1,\"id\":\"x\",\"chat_id\":\"own\"} ", {"r", "c"}) ==
             "{\"time\":1,\"id\":\"x\",\"chat_id\":\"own\",\"request_id\":\"r\"}\n");
  BOOST_TEST(complete("{\"time\":1,\"id\":null}") ==
             "{\"time\":1,\"id\":null," + kIdMember + "}\n");
  BOOST_TEST(complete("{\"time\":1,\"a\":{\"id\":1}}") ==
             "{\"time\":1,\"a\":{\"id\":1}," + kIdMember + "}\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_object_stays_as_it_is) {
  for (const std::string line : {"not JSON", "[1]", "{\"a\":", "1", "\"}\""}) {
    BOOST_TEST(complete(line) == line + '\n');
  }
}

BOOST_AUTO_TEST_SUITE_END()
