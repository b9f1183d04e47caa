#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/completion/command_tree.h"

namespace picortex {

enum class Shell : std::uint8_t { bash, zsh, fish };

// Their names, as a usage error lists them.
inline constexpr std::string_view kShells = "bash, zsh or fish";

std::optional<Shell> parse_shell(std::string_view name);

// Returns the script by which a shell completes the program's command line, without any other
// package. `program` is the root; its name is the program's. Two conventions are built in: after
// "help" the names of commands follow, and after "--" of "run" another program's command line.
std::string completion_script(Shell shell, const CommandNode& program);

// The scripts of the single shells.
std::string bash_completion(const CommandNode& program);
std::string zsh_completion(const CommandNode& program);
std::string fish_completion(const CommandNode& program);

// Calls `visit(path, node)` for the node and all below it. The path is how the command is called
// after the program's name, such as "egress allow"; empty for the program.
template <class Visit>
void visit_commands(const CommandNode& node, const Visit& visit, const std::string& path = {}) {
  visit(path, node);
  for (const CommandNode& inner : node.commands) {
    visit_commands(inner, visit, path.empty() ? inner.name : path + ' ' + inner.name);
  }
}

// Returns the words with `between` between them.
template <class Words>
std::string joined(const Words& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

// Returns the text in single quotes, each of its own replaced by `quote`.
std::string single_quoted(std::string_view text, std::string_view quote);

}  // namespace picortex
