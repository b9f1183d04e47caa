#pragma once

#include <unordered_map>

#include "cli/completion/command_tree.h"
#include "daemon/config/option.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace picortex {

// The parser's options that were declared as options of picortex, by their address.
using DeclaredOptions = std::unordered_map<const CLI::Option*, const Option*>;

// Returns the parser and its subcommands as a tree.
CommandNode describe_parser(const CLI::App& parser, const DeclaredOptions& declared);

}  // namespace picortex
