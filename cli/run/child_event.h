#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/level.h"
#include "base/uuid/uuid.h"
#include "cli/run/command_process.h"
#include "netfilter/attribution/process.h"

namespace picortex {

// The identity that every line of one `picortex run` carries.
struct RunIdentity {
  pid_t pid = 0;  // of `picortex run`
  std::string hostname;
  Uuid request_id;
  std::string chat_id;           // empty: in no chat
  std::uint64_t start_time = 0;  // of `picortex run`, clock ticks since boot; 0: not known
};

// Formats the events of `picortex run` as lines in the form of the daemon's log, each with a
// newline at its end. POST /api/events takes the same text; with `id`, the daemon stores an event
// once even if it is sent again.

// Whether child.start includes the command's arguments.
enum class Arguments { shown, hidden };

// Formats child.start with run_pid and run_start_time of `picortex run` itself, child_pid,
// child_start_time (clock ticks since boot, from /proc/PID/stat; omitted if it could not be read),
// argc and, with Arguments::shown, argv: the first 32 arguments, with "***" for everything that
// looks like a secret (cli/run/secret_mask.h), cut at 256 bytes each.
std::string render_child_start(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                               const ProcessKey& child, const std::vector<std::string>& arguments,
                               Arguments shown = Arguments::shown);

// Formats child.exit with the same processes, exit_status or signal, and duration_ms; a warning
// unless the status is 0.
std::string render_child_exit(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                              const ProcessKey& child, const ChildEnd& end,
                              std::chrono::milliseconds duration);

// Formats run.warning with `msg` only.
std::string render_run_warning(const RunIdentity& run, std::int64_t time_ms, std::string_view msg);

}  // namespace picortex
