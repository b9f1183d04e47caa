#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/level.h"
#include "base/result.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"
#include "handlers/alerts/alert_rules.h"
#include "handlers/http/middleware/authority.h"
#include "handlers/http/middleware/peer_scopes.h"
#include "handlers/http/middleware/trusted_proxies.h"
#include "handlers/ingest/webhook_signature.h"
#include "handlers/pipeline/durability.h"
#include "handlers/pipeline/spending_limit.h"
#include "netfilter/budget/upload_budget.h"
#include "netfilter/policy/verdict.h"
#include "storage/retention.h"

namespace picortex {

enum class LogFormat { automatic, json, pretty };
enum class LogLevelFormat { label, number };

// The checked options of `picortex serve`, in the form that its parts need. options.h documents
// each one.
struct ServeOptions {
  std::vector<ListenAddress> listen;  // at least one
  std::string data_dir;
  Level log_level = Level::info;
  LogFormat log_format = LogFormat::automatic;
  LogLevelFormat log_level_format = LogLevelFormat::label;
  std::uint32_t frontend_log_size_max = 0;     // bytes, 1 to 16 MiB
  std::uint32_t frontend_logs_per_minute = 0;  // 0: no limit
  AllowedHosts hosts;                          // from PICORTEX_HOSTS, without the listeners
  http::PeerScopes peers;
  Durability durability = Durability::power;
  bool compresses_data = false;
  RetentionLimits retention;
  std::uint64_t disk_free_min = 0;  // bytes; 0: do not check
  TrustedProxies trusted_proxies;
  std::string tmux_socket;    // absolute path; empty: tmux's default; kNoTmux: there is none
  std::string alert_command;  // empty: none
  std::vector<AlertRule> alert_rules;
  std::optional<WebhookSecret> linq_secret;
  bool sentry_ingest = false;
  std::uint32_t sentry_envelopes_per_minute = 0;  // 0: no limit
  std::uint32_t telemetry_per_minute = 0;         // claimed events; 0: no limit
  std::optional<SpendingLimit> chat_budget;       // none: no limit
  std::uint32_t drain_seconds = 0;                // 1 to 300
  std::uint32_t connections_max = 0;              // 16 to 100,000
  EgressMode egress_mode = EgressMode::off;
  std::string egress_user;
  std::string egress_allowlist;
  UploadBudget egress_upload;  // of rules without one
  std::uint16_t egress_dns_port = 0;
  // Milliseconds, 100 to 3,600,000.
  std::uint32_t idle_timeout_ms = 0;
  std::uint32_t header_timeout_ms = 0;
  std::uint32_t body_timeout_ms = 0;
  std::uint32_t send_timeout_ms = 0;

  // The source of all these values, so that a reload can read it again.
  std::optional<Settings> settings;
};

// Parses "20M/1h,1M/conn", as PICORTEX_EGRESS_UPLOAD has it; empty: no limit.
std::optional<UploadBudget> parse_default_upload(std::string_view text);

// The error is one line for the person who started the daemon.
Result<ServeOptions> read_serve_options(Settings& settings);

// Returns --data-dir, else the first directory of systemd's $STATE_DIRECTORY, else ./var.
std::string read_data_dir(Settings& settings);

}  // namespace picortex
