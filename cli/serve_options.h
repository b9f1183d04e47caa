#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/level.h"
#include "base/result.h"
#include "cli/listen_address.h"
#include "cli/settings.h"

namespace picortex {

enum class LogFormat { automatic, json, pretty };
enum class LogLevelFormat { label, number };
enum class Durability { power, process };

// How `picortex serve` shall run: every value checked, nothing left to decide. options.h says what
// each one means.
struct ServeOptions {
  std::vector<ListenAddress> listen;  // at least one
  std::string data_dir;
  Level log_level = Level::info;
  LogFormat log_format = LogFormat::automatic;
  LogLevelFormat log_level_format = LogLevelFormat::label;
  std::uint32_t frontend_log_size_max = 0;     // bytes, 1 to 16 MiB
  std::uint32_t frontend_logs_per_minute = 0;  // 0: no limit
  std::vector<std::string> hosts;              // lower case, without port or trailing dot
  Durability durability = Durability::power;
  std::vector<std::string> trusted_proxies;  // "address/bits" as inet_ntop(3) writes the address
  std::string tmux_socket;                   // absolute path; empty: tmux's default
  std::uint32_t drain_seconds = 0;           // 1 to 300
  std::uint32_t connections_max = 0;         // 16 to 100,000
};

// An error is one line for the person who started the daemon.
Result<ServeOptions> read_serve_options(Settings& settings);

// --data-dir, else the first directory of systemd's $STATE_DIRECTORY, else ./var.
std::string read_data_dir(Settings& settings);

}  // namespace picortex
