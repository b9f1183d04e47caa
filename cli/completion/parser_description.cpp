#include "cli/completion/parser_description.h"

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace picortex {
namespace {

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

CompletionFlag describe_flag(const CLI::Option& option, const Option* declared) {
  CompletionFlag flag;
  for (const std::string& name : option.get_snames()) flag.names.push_back('-' + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  flag.meaning =
      short_meaning(declared ? declared->meaning : std::string_view(option.get_description()));
  if (declared && declared->kind != Option::Kind::toggle) {
    flag.value = completion_value(declared->placeholder, declared->allowed);
  }
  return flag;
}

}  // namespace

CommandNode describe_parser(const CLI::App& parser, const DeclaredOptions& declared) {
  CommandNode node{.name = parser.get_name(),
                   .meaning = short_meaning(first_line(parser.get_description())),
                   .flags = {},
                   .argument = {},
                   .commands = {}};
  for (const CLI::Option* option : parser.get_options()) {
    if (option->get_positional()) {
      node.argument = completion_value(option->get_name(), option->get_description());
      continue;
    }
    const auto found = declared.find(option);
    node.flags.push_back(describe_flag(*option, found == declared.end() ? nullptr : found->second));
  }
  for (const CLI::App* inner : parser.get_subcommands({})) {
    node.commands.push_back(describe_parser(*inner, declared));
  }
  return node;
}

}  // namespace picortex
