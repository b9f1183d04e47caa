#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/serve_options.h"

namespace picortex {

// What a reload found. Options are named by their flags.
struct Reload {
  ServeOptions options;
  std::vector<std::string> changed;        // in force now
  std::vector<std::string> needs_restart;  // changed too, but only the next start takes them up
};

// Reads the options again, from the same flags and variables and the config file as it is now.
// `started` are those of the start, `current` those of the last reload. The error is one line, as
// at the start.
Result<Reload> read_again(const ServeOptions& started, const ServeOptions& current);

}  // namespace picortex
