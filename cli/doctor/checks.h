#pragma once

#include <optional>
#include <string>

#include "cli/doctor/finding.h"
#include "cli/doctor/host.h"
#include "daemon/config/serve_options.h"
#include "daemon/config/settings.h"

namespace picortex {

// The groups of checks, each in a file of its own. They change nothing.

// The options as `picortex serve` would read them, with the defaults in place of wrong values.
struct CheckedConfig {
  ServeOptions options;
  std::string file;         // the config file's path; empty when there is none
  bool has_secret = false;  // the file has a secret in it
  std::string wrong_flag;   // the error if a flag on the command line is wrong, else empty
};

// Reads the options with the parser of `serve`, and reports every wrong line of the config file and
// every wrong variable of the environment.
CheckedConfig check_config(const FlagValues& flags, const Environment& environment,
                           const Host& host, Findings& findings);

// What most checks need to know.
struct Examined {
  const Host& host;
  const CheckedConfig& config;
  HostUser daemon_user;  // the owner of the data directory, else this process's user
  bool has_data_dir = false;

  const ServeOptions& options() const noexcept { return config.options; }
  // For texts: "the daemon's user picortex".
  std::string daemon_name() const { return "the daemon's user " + daemon_user.name; }
};
Examined examine(const Host& host, const CheckedConfig& config);

// The files that the options name: that the daemon's user may read them, and that no other user may
// read a secret; alert command and allowlist.
void check_config_files(const Examined& examined, Findings& findings);

// The data directory, its tokens and the database: owner, mode, content, schema.
void check_data_dir(const Examined& examined, Findings& findings);
void check_database(const Examined& examined, Findings& findings);

// Whether `user` can send events: by a token that it may read, or over a Unix socket.
void check_client(const Examined& examined, const HostUser& user, const Environment& environment,
                  Findings& findings);

// The daemon at the options' first address: reachable, the right user's, of this version, healthy.
void check_daemon(const Examined& examined, Findings& findings);

// Whether the daemon's user reaches the tmux server.
void check_tmux(const Examined& examined, Findings& findings);

// The fence: the user, its groups, the rules, what else is in the packet filter.
void check_fence(const Examined& examined, Findings& findings);
// Ways around the fence by a resolver, or by other processes.
void check_resolver(const Examined& examined, Findings& findings);

// What the kernel has room for, and permits.
void check_kernel(const Examined& examined, Findings& findings);
void check_disk(const Examined& examined, Findings& findings);
void check_clock(const Examined& examined, Findings& findings);
// journald.conf(5) and its drop-ins.
void check_journald(const Examined& examined, Findings& findings);
// Claude Code's hooks and what has come of its telemetry.
void check_telemetry(const Examined& examined, Findings& findings);

}  // namespace picortex
