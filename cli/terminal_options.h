#pragma once

#include <string>

#include "daemon/config/settings.h"

namespace picortex {

// Reads --color and --no-pager, and sets or removes the variables of this process at which
// stdout_is_coloured() and Pager look, as --utc does for the time zone. Wrong values are errors of
// `settings`.
void read_terminal(Settings& settings);

// The names of an option's flag for the parser: "-n,--limit" where it has a short one.
std::string flag_names(const Option& option);

}  // namespace picortex
