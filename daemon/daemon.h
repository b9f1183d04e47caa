#pragma once

#include "daemon/config/serve_options.h"

namespace picortex {

// Runs the daemon until a signal ends it. Returns the exit status: 0 after a drain, else 1 after
// one line on stderr that names the cause and the fix.
int serve(const ServeOptions& options);

}  // namespace picortex
