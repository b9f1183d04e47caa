#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/terminal.h"
#include "cli/command_line.h"
#include "cli/completion/completion_script.h"
#include "cli/parser/command_parser.h"
#include "cli/parser/commands.h"

// The commands that say something about the program, and read no settings.
namespace picortex {
namespace {

Command help(const CommandParser& parser, const GivenCommand& given) {
  std::vector<std::string> words = given.operands;
  if (const std::string what = parser.typo_in(words); !what.empty()) return usage_error(what);
  words.emplace_back("--help");
  return parse_command_line(words, {}, given.help_width);
}

Command completion(const CommandParser& parser, const GivenCommand& given) {
  const std::optional<Shell> shell = parse_shell(given.operand);
  if (!shell) {
    return usage_error("completion: " + display(given.operand) + " is not allowed: give " +
                       std::string(kShells));
  }
  return Answer{0, completion_script(*shell, parser.describe())};
}

}  // namespace

void declare_program_commands(CommandParser& parser) {
  parser.add_plain({.name = "help",
                    .meaning = "Show the help of a command",
                    .operands = {.name = "COMMAND", .meaning = "such as: egress allow"},
                    .read = [&parser](const GivenCommand& given) { return help(parser, given); }});
  parser.add_plain({.name = "version",
                    .meaning = "Show the version and the commit",
                    .read = [](const GivenCommand&) -> Command {
                      return Answer{0, CommandParser::version_text() + '\n'};
                    }});
  parser.add_plain(
      {.name = "completion",
       .meaning = "Print the script by which a shell completes this command line",
       .operand = {.name = "SHELL", .meaning = std::string(kShells)},
       .read = [&parser](const GivenCommand& given) { return completion(parser, given); }});
}

}  // namespace picortex
