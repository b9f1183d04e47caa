#include "cli/parser/typo.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/terminal.h"
#include "cli/suggestion.h"

namespace picortex {
namespace {

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options({})) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> subcommands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* inner : command.get_subcommands({})) names.push_back(inner->get_name());
  return names;
}

}  // namespace

std::string describe_typo(const CLI::App& program, const std::vector<std::string>& words) {
  const CLI::App* command = &program;
  for (const std::string& word : words) {
    const bool is_flag = word.starts_with("--");
    if (!is_flag && command->get_subcommands({}).empty()) continue;  // an argument or a value
    const std::vector<std::string> names = is_flag ? flags_of(*command) : subcommands_of(*command);
    const std::string name = word.substr(0, is_flag ? word.find('=') : word.npos);
    if (std::ranges::find(names, name) == names.end()) {
      const std::string nearest = nearest_name(name, names);
      return (is_flag ? "there is no option " : "there is no subcommand ") + display(name) +
             (nearest.empty() ? ": see " : ": did you mean " + nearest + "? See ") + "picortex " +
             (command == &program ? "" : command->get_name() + ' ') + "--help";
    }
    if (!is_flag) command = command->get_subcommand(name);
  }
  return {};
}

}  // namespace picortex
