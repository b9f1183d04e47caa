#pragma once

#include <string>

#include "base/uuid/uuid.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

// The origin and purpose of a command.
struct TelemetryIdentity {
  Uuid request_id;
  Uuid run_id;          // of this process alone
  std::string chat_id;  // empty: in no chat
  std::string token;    // of `<data dir>/token`: only what follows from it is handed on
};

// Sets the variables by which Claude Code reports to the daemon, and any OpenTelemetry SDK names
// the request: telemetry on, its exporter, endpoint, token and resource, TRACEPARENT, and what its
// hooks send (docs/guides/claude-code.md). Contents of prompts, answers and tools are off. What the
// user has set stays, but for the first two; of an inherited resource what another run has set
// goes. A daemon on a Unix socket cannot be reached by an exporter: then nothing is set.
void add_telemetry(Environment& environment, const ListenAddress& server,
                   const TelemetryIdentity& identity);

}  // namespace picortex
