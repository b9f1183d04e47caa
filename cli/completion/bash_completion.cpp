// The script is a loop over the words, which is always the same, and two tables for it. Bash
// splits a line at "=" too, so "--level=warn" arrives as three words.
#include <string>
#include <string_view>
#include <vector>

#include "cli/completion/completion_script.h"

namespace picortex {
namespace {

constexpr std::string_view kFunctions = R"bash(
_picortex() {
  local word=${COMP_WORDS[COMP_CWORD]} path='' is_help='' flag='' commands flags valued argument i
  COMPREPLY=()
  _picortex_command "$path"
  for ((i = 1; i < COMP_CWORD; ++i)); do
    local past=${COMP_WORDS[i]}
    if [[ $past == -- && $path == run ]]; then
      _picortex_program "$i"
      return
    elif [[ $past == = ]]; then
      [[ $flag ]] || flag=${COMP_WORDS[i - 1]}
    elif [[ $flag ]]; then
      flag=
    elif [[ " $valued " == *" $past "* ]]; then
      flag=$past
    elif [[ $past == help && ! $path ]]; then
      is_help=yes
    elif [[ " $commands " == *" $past "* ]]; then
      path=${path:+$path }$past
      _picortex_command "$path"
    fi
  done
  [[ $word != = ]] || { flag=${COMP_WORDS[COMP_CWORD - 1]} && word=; }
  if [[ $is_help ]]; then
    _picortex_propose words "$commands"
  elif [[ $flag ]]; then
    _picortex_value "$path" "$flag"
  elif [[ $word == -* ]]; then
    _picortex_propose words "$flags"
  elif [[ $commands ]]; then
    _picortex_propose words "$commands"
  else
    # shellcheck disable=SC2086 # a kind and its words
    _picortex_propose $argument
  fi
}

# _picortex_propose KIND WORD…: what begins with $word.
_picortex_propose() {
  local kind=$1
  shift
  case $kind in
    words) mapfile -t COMPREPLY < <(compgen -W "$*" -- "$word") ;;
    user) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
    program) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
    file | directory)
      mapfile -t COMPREPLY < <(compgen "-${kind:0:1}" -- "$word")
      compopt -o filenames 2>/dev/null
      ;;
  esac
}

# _picortex_program DASHES: another program's command line follows the word of that number.
_picortex_program() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$(($1 + 1))"
  elif ((COMP_CWORD == $1 + 1)); then
    _picortex_propose program
  else
    _picortex_propose file
  fi
}
)bash";

std::string_view kind_name(CompletionValue::Kind kind) {
  switch (kind) {
    case CompletionValue::Kind::none:
    case CompletionValue::Kind::text:
      return "none";
    case CompletionValue::Kind::words:
      return "words";
    case CompletionValue::Kind::file:
      return "file";
    case CompletionValue::Kind::directory:
      return "directory";
    case CompletionValue::Kind::user:
      return "user";
    case CompletionValue::Kind::program:
      return "program";
  }
  return "none";
}

// "words auto always never": the arguments of _picortex_propose.
std::string proposal(const CompletionValue& value) {
  std::string text(kind_name(value.kind));
  for (const std::string& word : value.words) text.append(" ").append(word);
  return text;
}

// The line of _picortex_command for one command.
std::string command_line(const std::string& path, const CommandNode& node) {
  std::vector<std::string> commands;
  std::vector<std::string> flags;
  std::vector<std::string> valued;
  for (const CommandNode& inner : node.commands) commands.push_back(inner.name);
  for (const CompletionFlag& flag : node.flags) {
    for (const std::string& name : flag.names) {
      flags.push_back(name);
      if (flag.value.is_expected()) valued.push_back(name);
    }
  }
  return "    '" + path + "')\n      commands='" + joined(commands, " ") + "' argument='" +
         proposal(node.argument) + "'\n      flags='" + joined(flags, " ") + "'\n      valued='" +
         joined(valued, " ") + "'\n      ;;\n";
}

// The lines of _picortex_value for one command: of the flags whose values can be proposed.
std::string value_lines(const std::string& path, const CommandNode& node) {
  std::string lines;
  for (const CompletionFlag& flag : node.flags) {
    const std::string proposed = proposal(flag.value);
    if (proposed == "none") continue;
    std::string patterns;
    for (const std::string& name : flag.names) {
      patterns.append(patterns.empty() ? "'" : " | '").append(path).append(" ").append(name) +=
          '\'';
    }
    lines += "    " + patterns + ") _picortex_propose " + proposed + " ;;\n";
  }
  return lines;
}

}  // namespace

std::string bash_completion(const CommandNode& program) {
  std::string commands;
  std::string values;
  visit_commands(program, [&](const std::string& path, const CommandNode& node) {
    commands += command_line(path, node);
    values += value_lines(path, node);
  });
  return "# Completes the command line of picortex in bash. Made by: picortex completion bash\n"
         "# shellcheck shell=bash\n" +
         std::string(kFunctions) +
         "\n# _picortex_command PATH: sets what may follow that command.\n"
         "_picortex_command() {\n  case $1 in\n" +
         commands +
         "  esac\n}\n\n"
         "# _picortex_value PATH FLAG: proposes values of that command's flag.\n"
         "_picortex_value() {\n  case \"$1 $2\" in\n" +
         values + "  esac\n}\n\ncomplete -F _picortex picortex\n";
}

}  // namespace picortex
