#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/level.h"
#include "base/uuid.h"
#include "cli/command_process.h"
#include "netfilter/process.h"

namespace picortex {

// Whose events they are: what every line of one `picortex run` bears.
struct RunIdentity {
  pid_t pid = 0;  // of `picortex run`
  std::string hostname;
  Uuid request_id;
  std::string chat_id;  // empty: in no chat
};

// The events of `picortex run` as lines in the shape of the daemon's log, each ended by a newline.
// The same text is what POST /api/events takes; `id` lets the daemon store an event once when it is
// sent again.

// child.start with child_pid, child_start_time (clock ticks since boot, by /proc/PID/stat; without
// it when it could not be read), argc and argv: its first 32 arguments, cut at 256 bytes each.
std::string render_child_start(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                               const ProcessKey& child, const std::vector<std::string>& arguments);

// child.exit with child_pid, exit_status or signal, and duration_ms; a warning unless the status is
// 0.
std::string render_child_exit(const RunIdentity& run, const Uuid& id, std::int64_t time_ms,
                              const ProcessKey& child, const ChildEnd& end,
                              std::chrono::milliseconds duration);

// run.warning with nothing but `msg`.
std::string render_run_warning(const RunIdentity& run, std::int64_t time_ms, std::string_view msg);

}  // namespace picortex
