#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/level.h"
#include "base/result.h"
#include "cli/emit/emit_line.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

struct EmitOptions {
  std::optional<EmittedEvent> event;  // none: lines from stdin
  EmittedIds ids;
  std::string data_dir;  // where the daemon's token is
  ListenAddress server;
};

// `type` is empty or "-" for lines from stdin; `fields` are NAME=VALUE or NAME:=JSON.
Result<EmitOptions> read_emit_options(Settings& settings, const std::string& type,
                                      const std::vector<std::string>& fields);

// `picortex emit`: brings one event, or the lines of stdin, to the daemon. What it does not store
// is reported on stderr with the reason, and kept for the next command (cli/client/event_spool.h)
// unless the daemon rejects it. Returns the exit status: 0 once all is stored, else 1.
int emit(const EmitOptions& options, const Environment& environment);

}  // namespace picortex
