#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "cli/claude/claude.h"
#include "cli/commands/chats.h"
#include "cli/commands/errors.h"
#include "cli/commands/health.h"
#include "cli/commands/logs.h"
#include "cli/commands/stats.h"
#include "cli/commands/token.h"
#include "cli/commands/turns.h"
#include "cli/commands/why.h"
#include "cli/db/db.h"
#include "cli/db/forget.h"
#include "cli/doctor/doctor.h"
#include "cli/egress/egress_command.h"
#include "cli/egress/egress_rules_command.h"
#include "cli/emit/emit.h"
#include "cli/run/run.h"
#include "cli/ship/ship.h"
#include "daemon/config/serve_options.h"

namespace picortex {

// The command line runs nothing: --help, --version, or a usage error (exit status 2, one line for
// stderr).
struct Answer {
  int exit_status = 0;
  std::string text;  // for stdout when the status is 0, else for stderr; ends in a newline
};

inline Answer usage_error(std::string_view what) {
  return {2, "picortex: " + std::string(what) + '\n'};
}

// What the command line asks for, with its options checked.
using Command = std::variant<ServeOptions, HealthOptions, RunOptions, LogsOptions, WhyOptions,
                             StatsOptions, ChatsOptions, ErrorsOptions, EgressOptions,
                             EgressRulesOptions, DbOptions, EmitOptions, TokenOptions, TurnsOptions,
                             ClaudeOptions, ForgetOptions, DoctorOptions, ShipOptions, Answer>;

}  // namespace picortex
