#include "daemon/config/serve_options.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <charconv>
#include <optional>
#include <utility>

#include "base/byte_size.h"
#include "base/time/durations.h"
#include "handlers/alerts/alert_watch.h"
#include "handlers/ops/tmux_probe.h"
#include "netfilter/kernel/fenced_user.h"

namespace picortex {
namespace {

// Returns a parser for the words of a closed set.
template <class Value, std::size_t size>
auto word_of(const std::pair<std::string_view, Value> (&words)[size]) {
  return [&words](std::string_view text) {
    std::optional<Value> value;
    for (const auto& [word, meant] : words) {
      if (word == text) value = meant;
    }
    return value;
  };
}

constexpr std::pair<std::string_view, LogFormat> kLogFormats[] = {
    {"auto", LogFormat::automatic}, {"json", LogFormat::json}, {"pretty", LogFormat::pretty}};
constexpr std::pair<std::string_view, LogLevelFormat> kLogLevelFormats[] = {
    {"label", LogLevelFormat::label}, {"number", LogLevelFormat::number}};
constexpr std::pair<std::string_view, Durability> kDurabilities[] = {
    {"power", Durability::power}, {"process", Durability::process}};

std::optional<std::string> parse_directory(std::string_view text) {
  constexpr std::size_t kSizeMax = 4000;  // leaves room for a file name within PATH_MAX
  if (text.empty() || text.size() > kSizeMax || text.find('\0') != text.npos) return std::nullopt;
  return std::string(text);
}

std::optional<AllowedHosts> parse_hosts(std::string_view text) {
  AllowedHosts names;
  if (!text.empty() && !names.add_hosts(text)) return std::nullopt;
  return names;
}

std::optional<TrustedProxies> parse_proxies(std::string_view text) {
  if (text.empty()) return TrustedProxies();
  auto proxies = TrustedProxies::parse(text);
  if (!proxies) return std::nullopt;
  return *std::move(proxies);
}

std::optional<std::string> parse_socket_path(std::string_view text) {
  if (text.empty() || text == kNoTmux) return std::string(text);
  if (text.front() != '/' || text.size() >= sizeof sockaddr_un{}.sun_path ||
      text.find('\0') != text.npos) {
    return std::nullopt;
  }
  return std::string(text);
}

// The outer optional is empty if the value is wrong; the inner one is empty if no value is given.
std::optional<std::optional<WebhookSecret>> parse_secret(std::string_view text) {
  if (text.empty()) return std::optional<WebhookSecret>();
  auto secret = WebhookSecret::parse(text);
  if (!secret) return std::nullopt;
  return *std::move(secret);
}

std::optional<std::string> parse_program(std::string_view text) {
  if (text.size() > 4000 || text.find('\0') != text.npos) return std::nullopt;
  return std::string(text);
}

// The outer optional is empty if the value is wrong; the inner one is empty if no value is given.
std::optional<std::optional<SpendingLimit>> parse_budget(std::string_view text) {
  if (text.empty()) return std::optional<SpendingLimit>();
  auto limit = parse_spending_limit(text);
  if (!limit || limit->cost_micros == 0) return std::nullopt;
  return *limit;
}

std::optional<std::int64_t> parse_database_size(std::string_view text) {
  auto size = parse_byte_size(text);
  if (size && *size != 0 && *size < Retention::kSizeMaxMin) size.reset();
  return size;
}

}  // namespace

std::string read_data_dir(Settings& settings) {
  if (settings.is_given(kDataDir)) return settings.one(kDataDir, parse_directory);
  const std::string_view state = settings.environment_variable("STATE_DIRECTORY");
  const std::string_view first = state.substr(0, state.find(':'));
  return first.empty() ? "./var" : std::string(first);
}

std::optional<UploadBudget> parse_default_upload(std::string_view text) {
  UploadBudget budget;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (add_upload(text.substr(0, comma), budget) != nullptr) return std::nullopt;
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
  }
  return budget;
}

Result<ServeOptions> read_serve_options(Settings& settings) {
  ServeOptions options;
  options.listen = settings.list(kListen, ListenAddress::parse);
  options.data_dir = read_data_dir(settings);
  options.log_level = settings.one(kLogLevel, parse_level);
  options.log_format = settings.one(kLogFormat, word_of(kLogFormats));
  options.log_level_format = settings.one(kLogLevelFormat, word_of(kLogLevelFormats));
  options.frontend_log_size_max = settings.number(kFrontendLogMaxBytes);
  options.frontend_logs_per_minute = settings.number(kFrontendLogRate);
  options.hosts = settings.one(kHosts, parse_hosts);
  settings.list(kPeers, [&options](std::string_view entry) -> Result<bool> {
    auto added = options.peers.add(entry);
    if (!added) return std::unexpected(added.error());
    return true;
  });
  options.durability = settings.one(kDurability, word_of(kDurabilities));
  options.compresses_data = settings.toggle(kCompressData);
  options.retention = {.age_max_ms = kDayMs * settings.number(kRetentionDays),
                       .size_max = settings.one(kMaxDbBytes, parse_database_size)};
  options.disk_free_min = static_cast<std::uint64_t>(settings.one(kMinFreeBytes, parse_byte_size));
  options.trusted_proxies = settings.one(kTrustedProxies, parse_proxies);
  options.tmux_socket = settings.one(kTmuxSocket, parse_socket_path);
  options.alert_command = settings.one(kAlertCommand, parse_program);
  options.alert_rules = settings.list(kAlertOn, parse_alert_rule);
  options.linq_secret = settings.one(kLinqSecret, parse_secret);
  options.sentry_ingest = settings.toggle(kSentryIngest);
  options.sentry_envelopes_per_minute = settings.number(kSentryRate);
  options.telemetry_per_minute = settings.number(kTelemetryRate);
  options.chat_budget = settings.one(kChatBudget, parse_budget);
  options.drain_seconds = settings.number(kDrainSeconds);
  options.connections_max = settings.number(kConnectionsMax);
  options.egress_mode = settings.one(kEgressMode, parse_mode);
  options.egress_user = settings.one(kEgressUser, parse_user);
  options.egress_allowlist = settings.one(kEgressAllowlist, parse_directory);
  options.egress_upload = settings.one(kEgressUpload, parse_default_upload);
  options.egress_dns_port = static_cast<std::uint16_t>(settings.number(kEgressDnsPort));
  options.idle_timeout_ms = settings.number(kIdleTimeoutMs);
  options.header_timeout_ms = settings.number(kHeaderTimeoutMs);
  options.body_timeout_ms = settings.number(kBodyTimeoutMs);
  options.send_timeout_ms = settings.number(kSendTimeoutMs);
  if (settings.error()) return std::unexpected(*settings.error());
  if (options.alert_rules.size() > AlertWatch::kRulesMax) {
    return failure("--alert-on: there are more than 64 rules");
  }
  options.settings = settings;
  return options;
}

}  // namespace picortex
