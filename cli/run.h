#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/listen_address.h"
#include "cli/settings.h"

namespace picortex {

enum class LogEvents { always, never, automatic };

struct RunOptions {
  std::vector<std::string> command;  // the program and its arguments: at least one
  std::string chat_id;               // empty: in no chat
  std::string data_dir;              // where the daemon's token is
  ListenAddress server;
  LogEvents log_events = LogEvents::automatic;
};

Result<RunOptions> read_run_options(Settings& settings, std::vector<std::string> command);

// Runs the command under the inherited PICORTEX_REQUEST_ID, or a new one, and tells stderr and the
// daemon of its start and end. The exit status to leave with: the command's own; 128+n when signal
// n ended it; 127 when it was not found, 126 when it cannot be executed, 1 when no process could be
// made.
int run(const RunOptions& options, Environment environment);

}  // namespace picortex
