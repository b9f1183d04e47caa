#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/db.h"
#include "cli/egress.h"
#include "cli/egress_rules.h"
#include "cli/health.h"
#include "cli/logs.h"
#include "cli/run.h"
#include "cli/serve_options.h"
#include "cli/settings.h"
#include "cli/why.h"

namespace picortex {

// There is nothing to run: --help, --version, or a usage error (exit status 2, one line for
// stderr).
struct Answer {
  int exit_status = 0;
  std::string text;  // for stdout when the status is 0, else for stderr; ends in a newline
};

// What the command line asks for, its options checked.
using Command = std::variant<ServeOptions, HealthOptions, RunOptions, LogsOptions, WhyOptions,
                             EgressOptions, EgressRulesOptions, DbOptions, Answer>;

// `arguments` come without the program's name.
Command parse_command_line(const std::vector<std::string>& arguments,
                           const Environment& environment);

}  // namespace picortex
