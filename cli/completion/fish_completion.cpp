// A line for each command and flag, each with the command after which it may stand (fish(1),
// complete).
#include <string>
#include <string_view>

#include "cli/completion/completion_script.h"

namespace picortex {
namespace {

std::string fish_quoted(std::string_view text) { return single_quoted(text, "\\'"); }

// The arguments of `complete` for what a value may be.
std::string value_arguments(const CompletionValue& value) {
  switch (value.kind) {
    case CompletionValue::Kind::none:
      return {};
    case CompletionValue::Kind::text:
      return " -x";
    case CompletionValue::Kind::words:
      return " -x -a " + fish_quoted(joined(value.words, " "));
    case CompletionValue::Kind::file:
      return " -r -F";
    case CompletionValue::Kind::directory:
      return " -x -a '(__fish_complete_directories (commandline -ct))'";
    case CompletionValue::Kind::user:
      return " -x -a '(__fish_complete_users)'";
    case CompletionValue::Kind::program:
      return " -x -a '(__fish_complete_command)'";
  }
  return {};
}

std::string condition(const std::string& path) {
  return "complete -c picortex -n " +
         fish_quoted(path.empty() ? "__picortex_at" : "__picortex_at " + path);
}

// "-s n -l limit"
std::string names_of(const CompletionFlag& flag) {
  std::string text;
  for (const std::string& name : flag.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return text;
}

// Prints the path of the command that the line is at, a word a line: words that are commands, but
// not the values of flags. After "help" it is the command that help is wanted of.
std::string path_function(const CommandNode& program) {
  std::string commands;
  std::string valued;
  visit_commands(program, [&](const std::string& path, const CommandNode& node) {
    if (node.commands.empty()) return;
    for (const CommandNode& inner : node.commands) {
      commands.append(" ").append(fish_quoted(path.empty() ? inner.name : path + ' ' + inner.name));
    }
    for (const CompletionFlag& flag : node.flags) {
      if (!flag.value.is_expected()) continue;
      for (const std::string& name : flag.names) valued.append(" ").append(name);
    }
  });
  return "function __picortex_path\n"
         "  set -l commands" +
         commands + "\n  set -l valued" + valued +
         "\n  set -l path\n"
         "  set -l is_value no\n"
         "  for word in (commandline -opc)[2..]\n"
         "    if test $is_value = yes\n"
         "      set is_value no\n"
         "    else if contains -- $word $valued\n"
         "      set is_value yes\n"
         "    else if contains -- (string join -- ' ' $path $word) $commands; and test "
         "\"$path$word\" "
         "!= help\n"
         "      set -a path $word\n"
         "    end\n"
         "  end\n"
         "  string join -- \\n $path\n"
         "end\n\n"
         "function __picortex_at\n"
         "  test \"$(__picortex_path | string join ' ')\" = \"$argv\"\n"
         "end\n\n"
         "# Whether another program's command line follows.\n"
         "function __picortex_after_dashes\n"
         "  test \"$(__picortex_path)\" = run; and contains -- -- (commandline -opc)\n"
         "end\n\n"
         "function __picortex_other_program\n"
         "  set -l words (commandline -opc) (commandline -ct)\n"
         "  set -l dashes (contains -i -- -- $words)\n"
         "  complete -C (string join -- ' ' $words[(math $dashes + 1)..])\n"
         "end\n\n";
}

std::string command_lines(const std::string& path, const CommandNode& node) {
  std::string lines;
  for (const CommandNode& inner : node.commands) {
    lines += condition(path) + " -a " + inner.name + " -d " + fish_quoted(inner.meaning) + '\n';
  }
  for (const CompletionFlag& flag : node.flags) {
    lines += condition(path) + names_of(flag) + value_arguments(flag.value) + " -d " +
             fish_quoted(flag.meaning) + '\n';
  }
  if (node.argument.is_expected() && node.argument.kind != CompletionValue::Kind::text) {
    lines += condition(path) + value_arguments(node.argument) + '\n';
  }
  return lines;
}

}  // namespace

std::string fish_completion(const CommandNode& program) {
  std::string script =
      "# Completes the command line of picortex in fish. Made by: picortex completion fish\n\n" +
      path_function(program) + "complete -c picortex -f\n" +
      "complete -c picortex -n __picortex_after_dashes -x -a '(__picortex_other_program)'\n";
  visit_commands(program, [&script](const std::string& path, const CommandNode& node) {
    script += command_lines(path, node);
  });
  return script;
}

}  // namespace picortex
