#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

enum class LogEvents { always, never, automatic };

struct RunOptions {
  std::vector<std::string> command;  // the program and its arguments: at least one
  std::string chat_id;               // empty: in no chat
  std::string data_dir;              // where the daemon's token is
  ListenAddress server;
  LogEvents log_events = LogEvents::automatic;
  bool hides_arguments = false;  // of the command, in child.start
};

Result<RunOptions> read_run_options(Settings& settings, std::vector<std::string> command);

// Runs the command under the inherited PICORTEX_REQUEST_ID, or a new one, and reports its start and
// end to stderr and to the daemon. Events that cannot be delivered are kept for the next command
// (cli/client/event_spool.h); stderr says so, and why. Returns the exit status: the command's own;
// 128+n if signal n ended it; 127 if it was not found, 126 if it cannot be executed, 1 if no
// process could be created.
int run(const RunOptions& options, Environment environment);

}  // namespace picortex
