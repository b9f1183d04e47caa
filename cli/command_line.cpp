#include "cli/command_line.h"

#include <algorithm>
#include <utility>

#include "cli/parser/command_parser.h"
#include "cli/parser/commands.h"

namespace picortex {
namespace {

// Everything after the first "--" of run belongs to the child, whatever it looks like.
std::vector<std::string> take_child_command(std::vector<std::string>& arguments) {
  std::vector<std::string> child;
  if (arguments.empty() || arguments.front() != "run") return child;
  const auto dashes = std::ranges::find(arguments, "--");
  if (dashes != arguments.end()) child.assign(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return child;
}

}  // namespace

Command parse_command_line(const std::vector<std::string>& arguments,
                           const Environment& environment, std::size_t help_width) {
  CommandParser parser;
  declare_commands(parser);
  std::vector<std::string> words = arguments;
  std::vector<std::string> child_command = take_child_command(words);
  return parser.parse(words, {.environment = environment,
                              .child_command = std::move(child_command),
                              .help_width = help_width});
}

}  // namespace picortex
