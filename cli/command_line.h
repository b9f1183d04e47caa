#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/command.h"
#include "daemon/config/settings.h"

namespace picortex {

// `arguments` exclude the program's name. The help is wrapped to `help_width` columns; 0: it is not.
// Sets variables of this process (terminal_options.h).
Command parse_command_line(const std::vector<std::string>& arguments,
                           const Environment& environment, std::size_t help_width = 0);

}  // namespace picortex
