#pragma once

#include "cli/serve_options.h"

namespace picortex {

// Runs the daemon until a signal ends it. The exit status to leave with: 0 after a drain, else 1,
// with one line on stderr that names the cause and the mend.
int serve(const ServeOptions& options);

}  // namespace picortex
