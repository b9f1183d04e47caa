// What the client's own payloads end as: rows, and the sums of turns over them.
#include <simdjson.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "handlers/ingest/claude/claude_hook.h"
#include "storage/event_store.h"
#include "storage/query/turn_reader.h"
#include "tests/handlers/ingest/otlp/otlp_fixture.h"
#include "tests/support/http_fixture.h"

using namespace picortex;

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

struct ClaudeTurnsFixture : test::OtlpFixture {
  ClaudeTurnsFixture() {
    auto opened = EventStore::open(directory.path, kNow);
    BOOST_REQUIRE(opened.has_value());
    store = std::move(*opened);
  }

  // The payload without the request ID that all of them have: then sessions and prompts show turns
  // apart.
  static std::string unnamed(const std::string& name) {
    std::string text = test::golden(name);
    replace_all(text, "picortex.request_id", "x.request_id");
    return text;
  }

  std::size_t append(const Event& event) {
    auto stored = store->append(event);
    BOOST_REQUIRE_MESSAGE(stored.has_value(), stored.error().what);
    return *stored;
  }
  // Stores what has been decoded; returns how many were new.
  std::size_t store_batch() {
    std::size_t stored = 0;
    BOOST_REQUIRE(store->begin(kNow).has_value());
    for (const Event& event : batch.events()) stored += append(event);
    BOOST_REQUIRE(store->commit().has_value());
    return stored;
  }
  std::size_t take(const std::string& body, OtlpSignal signal = OtlpSignal::logs) {
    BOOST_REQUIRE(decode_json(body, signal) == "");
    return store_batch();
  }

  std::vector<Turn> turns() {
    auto reader = TurnReader::open(directory.path);
    BOOST_REQUIRE_MESSAGE(reader.has_value(), reader.error().what);
    auto found = (*reader)->read({.chat_id = {}, .request_id = {}, .limit = 1000});
    BOOST_REQUIRE_MESSAGE(found.has_value(), found.error().what);
    return *std::move(found);
  }
  Turn only_turn() {
    const auto all = turns();
    BOOST_REQUIRE(all.size() == 1u);
    return all.front();
  }

  // A hook of the session and prompt, of the chat, at the time.
  Uuid hook(const std::string& name, const std::string& session, const std::string& prompt,
            std::int64_t time_ms, const std::string& more = "",
            const std::string& chat = "chat-1") {
    PaddedBody body(R"({"hook_event_name":")" + name + R"(","session_id":")" + session +
                    R"(","prompt_id":")" + prompt + "\"" + more + "}");
    ClaudeHookDecoder decoder(document);
    ClaudeHook decoded;
    BOOST_REQUIRE(decoder.decode(body.bytes(), false, decoded).has_value());
    BOOST_REQUIRE(store->begin(kNow).has_value());
    append({.time_ms = time_ms,
            .level = decoded.level,
            .event_type = decoded.event_type,
            .chat_id = chat,
            .msg = decoded.msg,
            .data = decoded.data,
            .request_id = *parse_uuid("01900000-0000-7000-8000-00000000ffff"),
            .id = std::nullopt,
            .turn = &decoded.note});
    BOOST_REQUIRE(store->commit().has_value());
    return store->last_request();
  }
  void event(const std::string& type, const std::string& request, std::int64_t time_ms,
             const std::string& chat = "chat-1", bool skip = false) {
    BOOST_REQUIRE(store->begin(kNow).has_value());
    append({.time_ms = time_ms,
            .event_type = type,
            .chat_id = chat,
            .msg = {},
            .data = {},
            .decision_skip = skip,
            .request_id = *parse_uuid(request),
            .id = std::nullopt});
    BOOST_REQUIRE(store->commit().has_value());
  }

  test::TemporaryDirectory directory;
  std::unique_ptr<EventStore> store;
};

// Every log payload of the client, of both versions.
constexpr const char* kLogs[] = {"logs_api_error_400.json",
                                 "logs_bash_1.json",
                                 "logs_bash_2.json",
                                 "logs_cut_then_ok.json",
                                 "logs_fail.json",
                                 "logs_hooks.json",
                                 "logs_interactive.json",
                                 "logs_parallel_tools.json",
                                 "logs_permission_accept.json",
                                 "logs_resume.json",
                                 "logs_resource_attrs_odd.json",
                                 "logs_retention_sweep.json",
                                 "logs_retried_ok.json",
                                 "logs_retries_exhausted.json",
                                 "logs_subagent_sync.json",
                                 "logs_text_redacted.json",
                                 "v197_logs_bash_1.json",
                                 "v197_logs_bash_2.json"};

// Bodies with a part of the records each.
std::vector<std::string> cut(const std::string& body, std::mt19937& random) {
  simdjson::dom::parser parser;
  simdjson::dom::element root = parser.parse(body);
  std::vector<std::string> bodies;
  for (const auto group : root["resourceLogs"].get_array()) {
    for (const auto scope : group["scopeLogs"].get_array()) {
      std::vector<std::string> records;
      const auto flush = [&] {
        std::string list;
        std::ranges::shuffle(records, random);
        for (const std::string& record : records) list += (list.empty() ? "" : ",") + record;
        if (records.empty()) return;
        bodies.push_back(R"({"resourceLogs":[{"resource":)" + simdjson::minify(group["resource"]) +
                         R"(,"scopeLogs":[{"scope":)" + simdjson::minify(scope["scope"]) +
                         R"(,"logRecords":[)" + list + "]}]}]}");
        records.clear();
      };
      for (const auto record : scope["logRecords"].get_array()) {
        records.push_back(simdjson::minify(record));
        if (random() % 3 == 0) flush();
      }
      flush();
    }
  }
  return bodies;
}

// What is added up of each turn; the order of arrival must not matter to it.
std::map<std::string, std::string> sums_of(const std::vector<Turn>& turns) {
  std::map<std::string, std::string> sums;
  for (Turn turn : turns) {
    turn.state = TurnState::none;
    // The numbers of records that are not kept wait for the next event of their process.
    turn.lost_records = 0;
    std::string text;
    append_turn_json(text, turn);
    sums[to_string(turn.request_id)] = text;
  }
  return sums;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(claude_turns, ClaudeTurnsFixture)

BOOST_AUTO_TEST_CASE(a_short_turn_ends_as_the_rows_that_a_person_would_expect) {
  BOOST_TEST(decode_json(test::golden("logs_text_redacted.json")) == "");
  std::vector<std::string> types;
  for (const Event& event : batch.events()) {
    types.emplace_back(event.event_type);
    BOOST_TEST(event.chat_id == "chat-1");
    BOOST_TEST(to_string(event.request_id) == "01999999-0000-7000-8000-000000000001");
    for (const char* personal : {"user_id", "user.id", "event_timestamp", "terminal", "REDACTED"}) {
      BOOST_TEST(event.data.find(personal) == std::string_view::npos, personal);
    }
  }
  const std::vector<std::string> expected{"claude.user_prompt", "claude.api_request",
                                          "claude.assistant_response"};
  BOOST_TEST(types == expected, boost::test_tools::per_element());
  const Event& prompt = batch.events()[0];
  BOOST_TEST(prompt.msg.starts_with("a prompt of "));
  BOOST_TEST(prompt.data.find("\"prompt_length\":") != std::string_view::npos);
  const Event& request = batch.events()[1];
  BOOST_TEST(request.msg == "claude-opus-5-5: 426 tokens in, 42 out, $0.0014");
  BOOST_TEST(request.data.find("\"cost_usd_micros\":1418") != std::string_view::npos);
  BOOST_TEST(request.turn->counts.cost_micros == 1418);
}

BOOST_AUTO_TEST_CASE(numbers_and_truths_in_quotes_become_what_they_are) {
  BOOST_TEST(decode_json(test::golden("logs_bash_2.json")) == "");
  const Event& tool = batch.events()[0];
  BOOST_TEST(tool.event_type == "claude.tool_result");
  BOOST_TEST(tool.data.find("\"success\":true") != std::string_view::npos);
  BOOST_TEST(tool.data.find("\"duration_ms\":\"") == std::string_view::npos);
  BOOST_TEST(tool.data.find("\"tool_result_size_bytes\":\"") == std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(failures_have_levels_and_start_up_noise_is_dropped) {
  BOOST_TEST(decode_json(test::golden("logs_fail.json")) == "");
  BOOST_TEST(bool(batch.events()[0].level == Level::warn));
  BOOST_TEST(batch.events()[0].msg == "Bash failed: Shell command failed");
  BOOST_TEST(decode_json(test::golden("logs_retries_exhausted.json")) == "");
  BOOST_TEST(batch.events().size() == 2u);  // not internal_error
  for (const Event& event : batch.events()) BOOST_TEST(bool(event.level == Level::error));
  BOOST_TEST(decode_json(test::golden("logs_hooks.json")) == "");
  BOOST_TEST(batch.events().empty());
  BOOST_TEST(decode_json(test::golden("logs_retention_sweep.json")) == "");
  BOOST_TEST(batch.events().empty());
}

BOOST_AUTO_TEST_CASE(an_unknown_event_is_kept_under_one_type) {
  const std::string body =
      R"({"resourceLogs":[{"scopeLogs":[{"scope":{"name":"com.anthropic.claude_code.events"},)"
      R"("logRecords":[{"timeUnixNano":"1795880745255000000","body":{"stringValue":"claude_code.new"},)"
      R"("attributes":[{"key":"event.name","value":{"stringValue":"new_thing"}},)"
      R"({"key":"__proto__","value":{"intValue":1}},{"key":"a.b","value":{"intValue":"5"}}]}]}]}]})";
  BOOST_TEST(decode_json(body) == "");
  BOOST_TEST(only().event_type == "claude.event");
  BOOST_TEST(only().data == R"({"event_name":"new_thing","a_b":5})");
  context.is_claimed = true;
  BOOST_TEST(decode_json(body) == "");
  BOOST_TEST(only().data == R"({"claimed":true,"event_name":"new_thing","a_b":5})");
}

BOOST_AUTO_TEST_CASE(sums_equal_the_clients_own_result) {
  const struct {
    std::vector<const char*> bodies;
    TurnCounts expected;
  } cases[] = {
      // result_json.json: total_cost_usd 0.0014184, 102 + 22 + 302 tokens in, 42 out
      {{"logs_text_redacted.json"},
       {.model_calls = 1,
        .cost_micros = 1418,
        .input_tokens = 102,
        .output_tokens = 42,
        .cache_read_tokens = 302,
        .cache_creation_tokens = 22}},
      {{"logs_bash_1.json", "logs_bash_2.json"},
       {.model_calls = 2,
        .cost_micros = 2866,
        .input_tokens = 205,
        .output_tokens = 85,
        .cache_read_tokens = 605,
        .cache_creation_tokens = 45,
        .tools = 1}},
      // result_cut.json: total_cost_usd 0.0046356; the tokens are those of the last attempt only
      {{"logs_cut_then_ok.json"},
       {.model_calls = 1,
        .cost_micros = 4636,
        .input_tokens = 103,
        .output_tokens = 43,
        .cache_read_tokens = 303,
        .cache_creation_tokens = 23}},
      {{"logs_subagent_sync.json"},
       {.model_calls = 5,
        .cost_micros = 7384,
        .input_tokens = 520,
        .output_tokens = 220,
        .cache_read_tokens = 1520,
        .cache_creation_tokens = 120,
        .tools = 3,
        .subagents = 1}},
      {{"logs_fail.json"},
       {.model_calls = 1,
        .cost_micros = 1448,
        .input_tokens = 103,
        .output_tokens = 43,
        .cache_read_tokens = 303,
        .cache_creation_tokens = 23,
        .tools = 1,
        .failed_tools = 1}},
      {{"logs_api_error_400.json"}, {.api_errors = 1}},
      {{"v197_logs_bash_1.json", "v197_logs_bash_2.json"},
       {.model_calls = 3,
        .cost_micros = 5656,
        .input_tokens = 309,
        .output_tokens = 129,
        .cache_read_tokens = 909,
        .cache_creation_tokens = 69,
        .tools = 1}}};
  for (const auto& [bodies, expected] : cases) {
    ClaudeTurnsFixture fresh;
    for (const char* body : bodies) fresh.take(test::golden(body));
    Turn turn = fresh.only_turn();
    BOOST_TEST(to_string(turn.request_id) == "01999999-0000-7000-8000-000000000001");
    BOOST_TEST(turn.chat_id == "chat-1");
    BOOST_TEST(turn.has_cost == (expected.model_calls > 0), bodies.front());
    turn.counts.api_ms = 0;
    BOOST_TEST((turn.counts == expected), bodies.front());
    // All of it again changes nothing.
    for (const char* body : bodies) BOOST_TEST(fresh.take(test::golden(body)) == 0u);
    turn = fresh.only_turn();
    turn.counts.api_ms = 0;
    BOOST_TEST((turn.counts == expected), bodies.front());
  }
}

BOOST_AUTO_TEST_CASE(batches_may_be_shuffled_repeated_and_cut) {
  for (const char* name : kLogs) take(unnamed(name));
  const auto expected = sums_of(turns());
  BOOST_TEST(expected.size() > 15u);
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> bodies;
    for (const char* name : kLogs) {
      for (std::string& body : cut(unnamed(name), random)) bodies.push_back(std::move(body));
    }
    const std::size_t parts = bodies.size();
    for (std::size_t i = 0; i < parts; i += 1 + random() % 4) bodies.push_back(bodies[i]);
    std::ranges::shuffle(bodies, random);
    ClaudeTurnsFixture fresh;
    for (const std::string& body : bodies) fresh.take(body);
    const auto sums = sums_of(fresh.turns());
    BOOST_TEST(sums.size() == expected.size());
    for (const auto& [request, text] : expected) {
      const auto found = sums.find(request);
      BOOST_REQUIRE_MESSAGE(found != sums.end(), "seed " << seed << ": no turn " << request);
      BOOST_TEST(found->second == text, "seed " << seed);
    }
  }
}

BOOST_AUTO_TEST_CASE(spans_say_how_often_the_api_was_asked_and_how_long_a_person_was_waited_for) {
  BOOST_TEST(take(test::golden("traces_retry.json"), OtlpSignal::traces) == 1u);
  BOOST_TEST(only().event_type == "claude.retry");
  BOOST_TEST(only_turn().counts.retries == 2);
  BOOST_TEST(take(test::golden("traces_retry.json"), OtlpSignal::traces) == 0u);
  BOOST_TEST(take(test::golden("traces_bash.json"), OtlpSignal::traces) == 0u);  // one attempt
}

BOOST_AUTO_TEST_CASE(a_hole_in_the_numbers_is_lost_records) {
  const auto lost_without = [](std::size_t left_out) {
    ClaudeTurnsFixture fresh;
    BOOST_REQUIRE(fresh.decode_json(test::golden("logs_subagent_sync.json")) == "");
    BOOST_REQUIRE(fresh.store->begin(kNow).has_value());
    std::size_t index = 0;
    for (const Event& event : fresh.batch.events()) {
      if (index++ != left_out) fresh.append(event);
    }
    BOOST_REQUIRE(fresh.store->commit().has_value());
    return fresh.only_turn().lost_records;
  };
  const std::int64_t before = lost_without(999);
  BOOST_TEST(lost_without(4) == before + 1);
}

BOOST_AUTO_TEST_CASE(the_metric_of_cost_is_compared_with_the_calls_of_its_process) {
  const auto check = [this] {
    auto reader = TurnReader::open(directory.path);
    BOOST_REQUIRE(reader.has_value());
    return *(*reader)->check_costs(kNow + 600'000'000);
  };
  BOOST_TEST(check().runs == 0);
  take(test::golden("logs_bash_1.json"));
  take(test::golden("logs_bash_2.json"));
  BOOST_TEST(take(test::golden("metrics_bash_1.json"), OtlpSignal::metrics) == 1u);
  BOOST_TEST(only().event_type == "claude.cost_metric");
  BOOST_TEST(check().runs_below == 1);  // one of two calls
  BOOST_TEST(take(test::golden("metrics_bash_2.json"), OtlpSignal::metrics) == 1u);
  BOOST_TEST(take(test::golden("metrics_bash_2.json"), OtlpSignal::metrics) == 0u);
  const CostCheck agreed = check();
  BOOST_TEST(agreed.runs == 1);
  BOOST_TEST(agreed.metric_micros == 2866);
  BOOST_TEST(agreed.call_micros == 2866);
  BOOST_TEST(!agreed.disagrees());
  // A call that was cut: no record says what it cost.
  BOOST_TEST(take(test::golden("metrics_cut_1.json"), OtlpSignal::metrics) == 1u);
  BOOST_TEST(check().runs_above == 1);
  // Sums from the beginning on cannot be added up.
  BOOST_TEST(take(test::golden("metrics_cumulative.json"), OtlpSignal::metrics) == 0u);
  BOOST_TEST(only_turn().counts.model_calls == 2);
}

// --- Hooks and messages ---

constexpr const char* kFirst = "01900000-0000-7000-8000-000000000a01";
constexpr const char* kSecond = "01900000-0000-7000-8000-000000000a02";
constexpr const char* kSession = "00000000-0000-4000-8000-000000000005";
constexpr const char* kPrompt = "00000000-0000-4000-8000-000000000006";

BOOST_AUTO_TEST_CASE(a_submitted_prompt_takes_the_chats_oldest_message_that_waits) {
  event("linq.inbound", kFirst, kNow - 3000);
  event("linq.inbound", kSecond, kNow - 2000);
  event("linq.inbound", "01900000-0000-7000-8000-000000000b01", kNow - 4000, "chat-2");
  BOOST_TEST(to_string(hook("UserPromptSubmit", kSession, kPrompt, kNow)) == kFirst);
  // Sent twice it is the same prompt.
  BOOST_TEST(to_string(hook("UserPromptSubmit", kSession, kPrompt, kNow + 1)) == kFirst);
  BOOST_TEST(to_string(hook("UserPromptSubmit", kSession, "p2", kNow + 2)) == kSecond);
  // Nothing waits any more: a turn without a message.
  const Uuid own = hook("UserPromptSubmit", kSession, "p3", kNow + 3);
  BOOST_TEST(to_string(own) != kFirst);
  BOOST_TEST(to_string(own) != kSecond);
  BOOST_TEST((own == hook("Stop", kSession, "p3", kNow + 4)));
}

BOOST_AUTO_TEST_CASE(a_message_that_is_skipped_or_too_old_waits_no_more) {
  event("linq.inbound", kFirst, kNow - 3000);
  event("discriminator.decision", kFirst, kNow - 2900, "chat-1", true);
  event("linq.inbound", "01900000-0000-7000-8000-000000000a00", kNow - TurnTable::kWaitMaxMs - 1);
  event("linq.inbound", kSecond, kNow - 2000);
  BOOST_TEST(to_string(hook("UserPromptSubmit", kSession, kPrompt, kNow)) == kSecond);
}

BOOST_AUTO_TEST_CASE(records_of_a_bound_prompt_belong_to_its_message_whatever_they_name) {
  event("linq.inbound", kFirst, kNow - 3000);
  hook("UserPromptSubmit", kSession, kPrompt, kNow);
  take(test::golden("logs_bash_1.json"));
  take(test::golden("logs_bash_2.json"));
  hook("Stop", kSession, kPrompt, kNow + 5000, R"(,"background_tasks":[])");
  const Turn turn = only_turn();
  BOOST_TEST(to_string(turn.request_id) == kFirst);
  BOOST_TEST(turn.counts.cost_micros == 2866);
  BOOST_TEST(turn_state_label(turn.state) == std::string("done"));
}

BOOST_AUTO_TEST_CASE(the_next_prompt_ends_one_that_was_interrupted) {
  hook("UserPromptSubmit", kSession, "p1", kNow);
  const Uuid second = hook("UserPromptSubmit", kSession, "p2", kNow + 1000);
  for (const Turn& turn : turns()) {
    BOOST_TEST(turn_state_label(turn.state) ==
               std::string(turn.request_id == second ? "running" : "interrupted"));
  }
}

BOOST_AUTO_TEST_CASE(a_background_task_that_ended_belongs_to_the_turn_that_began_it) {
  event("linq.inbound", kFirst, kNow - 3000);
  hook("UserPromptSubmit", kSession, kPrompt, kNow);
  take(test::golden("logs_bash_1.json"));
  take(test::golden("logs_bash_2.json"));  // with the tool toolu_fake000002
  hook("Stop", kSession, kPrompt, kNow + 1000);
  event("linq.inbound", kSecond, kNow + 2000);
  BOOST_TEST(to_string(hook("UserPromptSubmit", kSession, "p2", kNow + 3000)) == kSecond);
  const std::string task =
      R"(,"prompt":"<task-notification>\n<task-id>a1</task-id>\n<tool-use-id>toolu_fake000002</tool-use-id>")";
  BOOST_TEST(to_string(hook("UserPromptSubmit", kSession, "p3", kNow + 4000, task)) == kFirst);
  const std::string unknown = R"(,"prompt":"<task-notification>\n<task-id>a1</task-id>")";
  BOOST_TEST(to_string(hook("UserPromptSubmit", kSession, "p4", kNow + 5000, unknown)) == kFirst);
}

BOOST_AUTO_TEST_CASE(a_question_is_a_wait_until_something_follows) {
  hook("UserPromptSubmit", kSession, "p1", kNow);
  hook("Notification", kSession, "p1", kNow + 6000,
       R"(,"notification_type":"permission_prompt","message":"Claude needs your permission")");
  BOOST_TEST(turn_state_label(only_turn().state) == std::string("waiting"));
  hook("PostToolUseFailure", kSession, "p1", kNow + 26'000,
       R"(,"tool_name":"Bash","error":"Exit code 3\nsecret","duration_ms":82)");
  BOOST_TEST(turn_state_label(only_turn().state) == std::string("running"));
  BOOST_TEST(only_turn().permission_ms() == 20'000);
  hook("StopFailure", kSession, "p1", kNow + 27'000, R"(,"error":"server_error")");
  BOOST_TEST(turn_state_label(only_turn().state) == std::string("failed"));
  // Neither idleness nor the end of the session, hours later, make the turn longer.
  hook("Notification", kSession, "p1", kNow + 90'000, R"(,"notification_type":"idle_prompt")");
  hook("SessionEnd", kSession, "p1", kNow + 9'000'000, R"(,"reason":"other")");
  BOOST_TEST(turn_state_label(only_turn().state) == std::string("failed"));
  BOOST_TEST(only_turn().end_ms == kNow + 27'000);
}

BOOST_AUTO_TEST_CASE(hooks_keep_no_contents) {
  ClaudeHookDecoder decoder(document);
  ClaudeHook decoded;
  simdjson::dom::parser parser;
  simdjson::dom::element all = parser.parse(test::golden("hooks_stdin.json"));
  std::set<std::string> types;
  for (const auto [name, value] : all.get_object()) {
    PaddedBody body(std::string(simdjson::minify(value)));
    BOOST_REQUIRE_MESSAGE(decoder.decode(body.bytes(), true, decoded).has_value(), name);
    if (!decoded.is_kept) continue;
    types.emplace(decoded.event_type);
    for (const char* content : {"[[bash]]", "oops", "echo", "fake answer", "transcript"}) {
      BOOST_TEST(decoded.data.find(content) == std::string::npos, name);
      BOOST_TEST(decoded.msg.find(content) == std::string::npos, name);
    }
    BOOST_TEST(decoded.data.starts_with(R"({"claimed":true,"session_id":")"));
  }
  BOOST_TEST(types.size() == 9u);
}

BOOST_AUTO_TEST_CASE(a_body_that_is_no_hook_is_rejected) {
  ClaudeHookDecoder decoder(document);
  ClaudeHook decoded;
  for (const char* text :
       {"[]", "{}", R"({"hook_event_name":"Stop"})", R"({"session_id":"x"})", "x"}) {
    PaddedBody body(text);
    BOOST_TEST(!decoder.decode(body.bytes(), false, decoded).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
