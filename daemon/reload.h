#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/config/serve_options.h"

namespace picortex {

// The result of a reload. Options are named by their flags.
struct Reload {
  ServeOptions options;
  std::vector<std::string> changed;        // in force now
  std::vector<std::string> needs_restart;  // changed, but not before the next start
};

// Reads the options again, from the same flags and variables and the current config file. `started`
// are those of the start, `current` those of the last reload. The error is one line, as at the
// start.
Result<Reload> read_again(const ServeOptions& started, const ServeOptions& current);

}  // namespace picortex
