#include "handlers/ingest/claude/claude_normaliser.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/json/json_text.h"
#include "base/text.h"
#include "handlers/ingest/claude/claude_identity.h"
#include "handlers/ingest/name_based_uuid.h"

namespace picortex {
namespace {

constexpr std::string_view kBodyPrefix = "claude_code.";
constexpr std::string_view kScopePrefix = "com.anthropic.claude_code";

// What the client says about its own start and care, each time; minified names; whole
// conversations.
constexpr std::array<std::string_view, 9> kDropped{
    "managed_settings_resolved", "plugin_loaded",     "hook_registered",
    "hook_execution_start",      "retention_sweep",   "internal_error",
    "api_request_body",          "api_response_body", "hook_plugin_metrics"};

// In columns of the event, or of no use once it is stored, or personal.
bool is_dropped_attribute(std::string_view key) noexcept {
  constexpr std::array<std::string_view, 10> kNames{
      "event.name",         "event.timestamp",          "prompt_text", "terminal.type",
      "picortex.chat_id",   "picortex.request_id",      "span.type",   "claimed",
      "anthropic.provider", "anthropic.custom_base_url"};
  return std::ranges::find(kNames, key) != kNames.end() || key.starts_with("user.") ||
         key.starts_with("organization.") || key.starts_with("gen_ai.");
}

// Attributes that arrive as texts, or may, though they are numbers.
bool is_numeric(std::string_view key) noexcept {
  return key.ends_with("_ms") || key.ends_with("_bytes") || key.ends_with("_tokens") ||
         key.ends_with("_length") || key.starts_with("num_") || key.starts_with("total_") ||
         key == "attempt" || key == "status_code" || key == "cost_usd" || key == "cost_usd_micros";
}

std::int64_t count_of(const OtlpAttributes& attributes, std::string_view key) noexcept {
  // What the client can mean fits; what it cannot must not overflow a sum.
  constexpr std::int64_t kMax = 1'000'000'000'000;
  const OtlpValue* value = attributes.find(key);
  if (value == nullptr) return 0;
  return std::clamp<std::int64_t>(whole_number_of(*value).value_or(0), 0, kMax);
}

std::string_view name_of(const OtlpLogRecord& record) noexcept {
  const std::string_view name = record.attributes.text("event.name");
  if (!name.empty()) return name;
  std::string_view body = record.body.kind == OtlpValue::Kind::text ? record.body.text : "";
  if (body.starts_with(kBodyPrefix)) body.remove_prefix(kBodyPrefix.size());
  return body;
}

// The request of the agent that talks to a person, whose failure is the turn's.
bool is_main_thread(const OtlpAttributes& attributes) noexcept {
  const std::string_view source = attributes.text("query_source");
  return source == "sdk" || source == "repl_main_thread";
}

std::string dollars(std::int64_t micros) {
  char text[32];
  std::snprintf(text, sizeof text, "$%.4f", static_cast<double>(micros) / 1e6);
  return text;
}

}  // namespace

bool ClaudeNormaliser::is_claude(const OtlpOrigin& origin) noexcept {
  return origin.scope_name.starts_with(kScopePrefix);
}

bool ClaudeNormaliser::is_claude(const OtlpOrigin& origin, const OtlpLogRecord& record) noexcept {
  return is_claude(origin) ||
         (record.body.kind == OtlpValue::Kind::text && record.body.text.starts_with(kBodyPrefix));
}

const ClaudeNormaliser::Normalised& ClaudeNormaliser::of_log(const OtlpOrigin& origin,
                                                             const OtlpLogRecord& record,
                                                             bool is_claimed) {
  begin(is_claimed);
  const std::string_view name = name_of(record);
  note_identity(origin, record.attributes);
  out_.is_kept =
      std::ranges::find(kDropped, name) == kDropped.end() && read(name, record.attributes);
  if (!out_.is_kept) return out_;
  choose_id(name, record.attributes, record.time_ns != 0 ? record.time_ns : record.observed_ns);
  append_attributes(record.attributes);
  const std::string_view version = origin.resource.text("service.version");
  if (!version.empty()) {
    append("client_version", {.kind = OtlpValue::Kind::text, .text = version});
  }
  data_ += '}';
  out_.event_type = type_;
  out_.msg = msg_;
  out_.data = data_;
  return out_;
}

const ClaudeNormaliser::Normalised& ClaudeNormaliser::of_point(const OtlpOrigin& origin,
                                                               const OtlpPoint& point,
                                                               bool is_claimed) {
  begin(is_claimed);
  if (point.metric != "claude_code.cost.usage" || !point.is_sum || !point.is_delta) return out_;
  if (!point.value || !(*point.value > 0) || *point.value >= 1e6) return out_;
  note_identity(origin, point.attributes);
  append_attributes(point.attributes);
  append("cost_usd", {.kind = OtlpValue::Kind::real, .text = {}, .real = *point.value});
  std::string_view run = origin.resource.text("picortex.run_id");
  if (!run.empty()) append("picortex_run_id", {.kind = OtlpValue::Kind::text, .text = run});
  data_ += '}';
  type_ = "claude.cost_metric";
  msg_ = "the client's cost metric: " + dollars(std::llround(*point.value * 1e6));
  out_.id = named_uuid("claude point " + data_ + ' ' + std::to_string(point.start_ns) + ' ' +
                       std::to_string(point.time_ns));
  out_.is_kept = out_.has_key = true;
  out_.level = Level::debug;
  out_.event_type = type_;
  out_.msg = msg_;
  out_.data = data_;
  return out_;
}

TurnNote ClaudeNormaliser::note_of_stored(std::string_view type, const OtlpAttributes& attributes) {
  begin(false);
  note_identity({}, attributes);
  out_.note.sequence.reset();
  if (type == "retry" || type == "blocked") {
    out_.note.state = TurnState::none;
    out_.note.counts.retries = type == "retry" ? count_of(attributes, "attempt") - 1 : 0;
    out_.note.counts.blocked_ms = type == "blocked" ? count_of(attributes, "duration_ms") : 0;
  } else {
    read(type, attributes);
  }
  return out_.note;
}

void ClaudeNormaliser::begin(bool is_claimed) {
  out_ = {};
  type_.clear();
  msg_.clear();
  data_ = is_claimed ? R"({"claimed":true)" : "{";
  written_.clear();
}

void ClaudeNormaliser::note_identity(const OtlpOrigin& origin, const OtlpAttributes& attributes) {
  // The client's own session wins over one in the resource, which anybody's environment may set.
  session_ = attributes.text("session.id");
  TurnNote& note = out_.note;
  note.session = claude_id(session_);
  note.prompt = claude_id(attributes.text("prompt.id"));
  std::string_view run = attributes.text("picortex.run_id");
  if (run.empty()) run = origin.resource.text("picortex.run_id");
  note.run = claude_id(run);
  if (const OtlpValue* sequence = attributes.find("event.sequence")) {
    const auto number = whole_number_of(*sequence);
    if (number && *number >= 0 && *number < 1'000'000'000) {
      note.sequence = static_cast<std::uint32_t>(*number);
    }
  }
  note.state = TurnState::running;
}

// Model calls and tools are unique by their own IDs, other records by their number.
void ClaudeNormaliser::choose_id(std::string_view name, const OtlpAttributes& attributes,
                                 std::uint64_t time_ns) {
  const std::string_view request = attributes.text("request_id");
  const std::string_view tool = attributes.text("tool_use_id");
  out_.has_key = true;
  if (name == "api_request" && !request.empty()) {
    out_.id = claude_request_event_id(session_, request);
  } else if (name == "tool_result" && !tool.empty()) {
    out_.id = claude_tool_event_id(session_, tool);
  } else if (out_.note.sequence) {
    std::string key = "claude record ";
    const Uuid& owner = out_.note.run.is_nil() ? out_.note.session : out_.note.run;
    key += to_string(owner) + ' ' + std::to_string(*out_.note.sequence) + ' ' +
           std::to_string(time_ns) + ' ';
    out_.id = named_uuid(key.append(name));
  } else {
    out_.has_key = false;
  }
}

bool ClaudeNormaliser::read(std::string_view name, const OtlpAttributes& attributes) {
  constexpr std::array<std::string_view, 9> kKnown{
      "user_prompt", "api_request",           "assistant_response", "tool_decision", "tool_result",
      "api_error",   "api_retries_exhausted", "subagent_completed", "compaction"};
  msg_ = name.substr(0, 64);
  if (name == "hook_execution_complete") {
    type_ = "claude.hook_execution_complete";
    return read_hook(attributes);
  }
  if (std::ranges::find(kKnown, name) == kKnown.end()) {
    type_ = "claude.event";
    append("event_name", {.kind = OtlpValue::Kind::text, .text = name});
    return true;
  }
  type_ = "claude." + std::string(name);
  if (name == "user_prompt") read_prompt(attributes);
  if (name == "api_request") read_request(attributes);
  if (name == "tool_decision") read_decision(attributes);
  if (name == "tool_result") read_tool(attributes);
  if (name == "api_error" || name == "api_retries_exhausted") read_error(attributes);
  if (name == "api_error") out_.note.counts.api_errors = 1;
  if (name == "subagent_completed") out_.note.counts.subagents = 1;
  if (name == "assistant_response") {
    const std::string_view response = attributes.text("response");
    if (!response.empty() && response != "<REDACTED>") msg_ = cut_to(response, kTextSizeMax);
    out_.level = Level::debug;
  }
  return true;
}

void ClaudeNormaliser::read_prompt(const OtlpAttributes& attributes) {
  const std::string_view prompt = attributes.text("prompt");
  TurnNote& note = out_.note;
  note.is_synthetic = is_task_notification(prompt);
  if (note.is_synthetic) {
    const std::string_view tool = tool_use_of_task(prompt);
    if (!tool.empty()) note.began_by = claude_tool_event_id(session_, tool);
  }
  if (!prompt.empty() && prompt != "<REDACTED>") {
    msg_ = cut_to(prompt, kTextSizeMax);
  } else {
    msg_ = "a prompt of " + std::to_string(count_of(attributes, "prompt_length")) + " characters";
  }
}

void ClaudeNormaliser::read_request(const OtlpAttributes& attributes) {
  TurnCounts& counts = out_.note.counts;
  counts.model_calls = 1;
  counts.input_tokens = count_of(attributes, "input_tokens");
  counts.output_tokens = count_of(attributes, "output_tokens");
  counts.cache_read_tokens = count_of(attributes, "cache_read_tokens");
  counts.cache_creation_tokens = count_of(attributes, "cache_creation_tokens");
  counts.api_ms = count_of(attributes, "duration_ms");
  const OtlpValue* micros = attributes.find("cost_usd_micros");
  const OtlpValue* cost = attributes.find("cost_usd");
  const auto usd = cost != nullptr ? number_of(*cost) : std::nullopt;
  if (micros != nullptr && whole_number_of(*micros)) {
    counts.cost_micros = count_of(attributes, "cost_usd_micros");
  } else if (usd && *usd >= 0 && *usd < 1e6) {
    counts.cost_micros = std::llround(*usd * 1e6);
  } else {
    counts.unknown_costs = 1;
  }
  const std::int64_t in =
      counts.input_tokens + counts.cache_read_tokens + counts.cache_creation_tokens;
  msg_ = std::string(cut_to(attributes.text("model"), 64)) + ": " + std::to_string(in) +
         " tokens in, " + std::to_string(counts.output_tokens) + " out, " +
         (counts.unknown_costs == 0 ? dollars(counts.cost_micros) : "cost unknown");
}

void ClaudeNormaliser::read_decision(const OtlpAttributes& attributes) {
  const bool is_rejected = attributes.text("decision") == "reject";
  if (is_rejected) {
    out_.level = Level::warn;
    out_.note.counts.rejected_tools = 1;
  }
  msg_ = std::string(cut_to(attributes.text("tool_name"), 64)) +
         (is_rejected ? " rejected by " : " accepted by ") +
         std::string(cut_to(attributes.text("source"), 64));
}

void ClaudeNormaliser::read_tool(const OtlpAttributes& attributes) {
  const OtlpValue* success = attributes.find("success");
  const bool is_failed = success != nullptr && truth_of(*success) == false;
  out_.note.counts.tools = 1;
  msg_ = cut_to(attributes.text("tool_name"), 64);
  if (is_failed) {
    out_.level = Level::warn;
    out_.note.counts.failed_tools = 1;
    std::string_view error = attributes.text("error");
    if (error.empty()) error = attributes.text("error_type");
    msg_.append(" failed").append(error.empty() ? "" : ": ").append(cut_to(error, kTextSizeMax));
  } else {
    msg_ += " in " + std::to_string(count_of(attributes, "duration_ms")) + " ms";
  }
}

void ClaudeNormaliser::read_error(const OtlpAttributes& attributes) {
  out_.level = Level::error;
  if (is_main_thread(attributes)) out_.note.state = TurnState::failed;
  const std::string_view error = attributes.text("error");
  if (!error.empty()) msg_ = cut_to(error, kTextSizeMax);
}

// Hooks that did what they should are of no interest.
bool ClaudeNormaliser::read_hook(const OtlpAttributes& attributes) {
  const std::int64_t blocking = count_of(attributes, "num_blocking");
  const std::int64_t failed = count_of(attributes, "num_non_blocking_error");
  const std::int64_t cancelled = count_of(attributes, "num_cancelled");
  if (blocking + failed + cancelled == 0) return false;
  out_.level = Level::warn;
  msg_ = std::string(cut_to(attributes.text("hook_name"), 128)) + ": " + std::to_string(blocking) +
         " blocked, " + std::to_string(failed) + " failed, " + std::to_string(cancelled) +
         " cancelled";
  return true;
}

const ClaudeNormaliser::Normalised& ClaudeNormaliser::of_span(const OtlpOrigin& origin,
                                                              const OtlpSpan& span,
                                                              bool is_claimed) {
  begin(is_claimed);
  note_identity(origin, span.attributes);
  out_.note.state = TurnState::none;
  out_.note.goes_by_time = true;
  const std::string_view kind = span.attributes.text("span.type");
  const std::string_view request = span.attributes.text("request_id");
  std::string key = "claude span " + hex_of(span.trace_id) + ' ' + hex_of(span.span_id);
  if (kind == "llm_request") {
    const std::int64_t attempts = count_of(span.attributes, "attempt");
    if (attempts < 2) return out_;
    const OtlpValue* success = span.attributes.find("success");
    const bool succeeded = success != nullptr && truth_of(*success) == true;
    // Those of a request that failed in the end are no retries that helped.
    out_.note.counts.retries = attempts - 1;
    type_ = "claude.retry";
    out_.level = succeeded ? Level::warn : Level::error;
    msg_ = "the model's API was asked " + std::to_string(attempts) + " times" +
           (succeeded ? "" : ", without success");
    if (!request.empty()) key = "claude retry " + session_ + ' ' + std::string(request);
  } else if (kind == "tool.blocked_on_user") {
    if (!span.attributes.text("source").starts_with("user_")) return out_;
    const std::int64_t blocked_ms = count_of(span.attributes, "duration_ms");
    out_.note.counts.blocked_ms = blocked_ms;
    type_ = "claude.blocked";
    msg_ = "waited " + std::to_string(blocked_ms) +
           " ms for a person: " + std::string(cut_to(span.attributes.text("decision"), 64));
  } else {
    return out_;
  }
  out_.is_kept = out_.has_key = true;
  out_.id = named_uuid(key);
  append_attributes(span.attributes);
  data_ += '}';
  out_.event_type = type_;
  out_.msg = msg_;
  out_.data = data_;
  return out_;
}

void ClaudeNormaliser::append_attributes(const OtlpAttributes& attributes) {
  constexpr std::size_t kDataSizeMax = 32 * 1024;
  for (const OtlpAttribute& attribute : attributes) {
    if (is_dropped_attribute(attribute.key) || data_.size() > kDataSizeMax) continue;
    OtlpValue value = attribute.value;
    if (value.kind == OtlpValue::Kind::text) {
      if (value.text == "<REDACTED>") continue;
      if (attribute.key == "success") {
        const auto truth = truth_of(value);
        if (truth) value = {.kind = OtlpValue::Kind::truth, .text = {}, .truth = *truth};
      } else if (is_numeric(attribute.key)) {
        if (const auto whole = whole_number_of(value)) {
          value = {.kind = OtlpValue::Kind::integer, .text = {}, .integer = *whole};
        } else if (const auto real = number_of(value)) {
          value = {.kind = OtlpValue::Kind::real, .text = {}, .real = *real};
        }
      }
    }
    append(attribute.key, value);
  }
}

void ClaudeNormaliser::append(std::string_view key, const OtlpValue& value) {
  std::string name(cut_to(key, 128));
  std::ranges::replace(name, '.', '_');
  if (name == "__proto__" || name == "claimed" || !written_.insert(name).second) return;
  if (data_.size() > 1) data_ += ',';
  append_json_string(data_, name);
  data_ += ':';
  append_otlp_json(data_, value, kTextSizeMax);
}

}  // namespace picortex
