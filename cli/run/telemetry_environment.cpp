#include "cli/run/telemetry_environment.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "handlers/http/middleware/chat_key.h"

namespace picortex {
namespace {

std::string hex_of(const Uuid& uuid) {
  std::string text = to_string(uuid);
  std::erase(text, '-');
  return text;
}

// A span of its own; never the invalid one of zeros, since a run ID is none.
std::string traceparent_of(const TelemetryIdentity& identity) {
  std::string span = hex_of(identity.run_id).substr(16);
  if (span == std::string(16, '0')) span.back() = '1';
  return "00-" + hex_of(identity.request_id) + '-' + span + "-01";
}

// The pairs of OTEL_RESOURCE_ATTRIBUTES but for those that an outer run has set.
std::string without_ours(std::string_view pairs) {
  std::string kept;
  while (!pairs.empty()) {
    const std::size_t comma = pairs.find(',');
    const std::string_view pair = pairs.substr(0, comma);
    pairs = comma == pairs.npos ? std::string_view{} : pairs.substr(comma + 1);
    if (pair.empty() || pair.starts_with("picortex.")) continue;
    kept.append(kept.empty() ? "" : ",").append(pair);
  }
  return kept;
}

std::string resource_of(const TelemetryIdentity& identity, std::string_view inherited) {
  std::string pairs = without_ours(inherited);
  if (!pairs.empty()) pairs += ',';
  pairs += "picortex.request_id=" + to_string(identity.request_id);
  if (!identity.chat_id.empty()) pairs += ",picortex.chat_id=" + encode_chat(identity.chat_id);
  return pairs + ",picortex.run_id=" + to_string(identity.run_id);
}

}  // namespace

void add_telemetry(Environment& environment, const ListenAddress& server,
                   const TelemetryIdentity& identity) {
  if (server.family() == AF_UNIX || server.port() == 0) return;
  const std::string token = telemetry_token(identity.token);
  std::string headers = "Authorization=Bearer " + token;
  const std::string chat = encode_chat(identity.chat_id);
  const std::string key = chat.empty() ? "" : chat_key(identity.token, identity.chat_id);
  if (!chat.empty()) headers += ",X-Picortex-Chat=" + chat + ",X-Picortex-Chat-Key=" + key;
  environment["CLAUDE_CODE_ENABLE_TELEMETRY"] = "1";
  environment["OTEL_LOGS_EXPORTER"] = "otlp";
  const std::pair<const char*, std::string> unless_set[] = {
      {"OTEL_METRICS_EXPORTER", "none"},
      {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
      {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://" + server.text()},
      {"OTEL_EXPORTER_OTLP_HEADERS", headers},
      {"OTEL_LOGS_EXPORT_INTERVAL", "1000"},
      {"OTEL_LOG_USER_PROMPTS", "0"},
      {"OTEL_LOG_ASSISTANT_RESPONSES", "0"},
      {"OTEL_LOG_TOOL_DETAILS", "0"},
      {"TRACEPARENT", traceparent_of(identity)}};
  for (const auto& [name, value] : unless_set) environment.try_emplace(name, value);
  std::string& resource = environment["OTEL_RESOURCE_ATTRIBUTES"];
  resource = resource_of(identity, resource);
  environment["PICORTEX_RUN_ID"] = to_string(identity.run_id);
  environment["PICORTEX_HOOK_TOKEN"] = token;
  environment["PICORTEX_HOOK_CHAT"] = chat;
  environment["PICORTEX_HOOK_KEY"] = key;
}

}  // namespace picortex
