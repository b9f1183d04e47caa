#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/terminal_options.h"
#include "daemon/config/settings.h"

namespace picortex {

// A command as it was given, before anything of it is checked.
struct GivenCommand {
  Environment environment = {};
  FlagValues flags = {};
  std::string operand = {};                     // the word that stands for itself, such as HOST
  std::vector<std::string> operands = {};       // all further ones, where several are allowed
  bool is_check = false;                        // --check of serve
  std::vector<std::string> child_command = {};  // of run: what follows "--"
  std::size_t help_width = 0;                   // 0: the help is not wrapped
};

// Checks a command's options, once it has been given. Returns them, or the answer that says what is
// wrong with them.
using CommandReader = std::function<Command(GivenCommand&)>;

template <class Options>
Command command_of(Result<Options> options) {
  if (!options) return usage_error(options.error().what);
  return *std::move(options);
}

// Whether a default config file that this user may not read counts as absent. The daemon's file may
// be closed to its clients' users.
enum class ConfigAccess : bool { required, optional };

// Reads the options with `read(settings, given)`, which returns a Result, from the flags, the
// environment and the config file.
template <class Read>
CommandReader from_settings(Read read, ConfigAccess access = ConfigAccess::optional) {
  return [read, access](GivenCommand& given) -> Command {
    auto settings =
        resolve_settings(given.flags, given.environment, access == ConfigAccess::optional);
    if (!settings) return usage_error(settings.error().what);
    read_terminal(*settings);
    return command_of(read(*settings, given));
  };
}

// The same for a command without operands.
template <class Options>
CommandReader from_settings(Result<Options> (*read)(Settings&)) {
  return from_settings([read](Settings& settings, GivenCommand&) { return read(settings); });
}

}  // namespace picortex
