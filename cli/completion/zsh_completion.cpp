// A function for each command, in the language of _arguments (zshcompsys(1)).
#include <algorithm>
#include <string>
#include <string_view>

#include "cli/completion/completion_script.h"

namespace picortex {
namespace {

// Within a specification brackets end a description and colons a field.
std::string described(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string zsh_quoted(std::string_view text) { return single_quoted(text, "'\\''"); }

// ":name:action" of a value; empty for none.
std::string specification(const CompletionValue& value) {
  switch (value.kind) {
    case CompletionValue::Kind::none:
      return {};
    case CompletionValue::Kind::text:
      return ":value: ";
    case CompletionValue::Kind::words:
      return ":value:(" + joined(value.words, " ") + ")";
    case CompletionValue::Kind::file:
      return ":file:_files";
    case CompletionValue::Kind::directory:
      return ":directory:_files -/";
    case CompletionValue::Kind::user:
      return ":user:_users";
    case CompletionValue::Kind::program:
      return ":program:_command_names -e";
  }
  return {};
}

// "_picortex_egress_allow"
std::string function_of(std::string path) {
  std::ranges::replace(path, ' ', '_');
  return path.empty() ? "_picortex" : "_picortex_" + path;
}

void append_flags(std::string& out, const CommandNode& node) {
  for (const CompletionFlag& flag : node.flags) {
    const bool has_value = flag.value.is_expected();
    for (const std::string& name : flag.names) {
      // A value may follow a long name after "=" as well, and a short one at once.
      const std::string ending = !has_value ? "" : name.starts_with("--") ? "=" : "+";
      out += " \\\n    " + zsh_quoted('*' + name + ending + '[' + described(flag.meaning) + ']' +
                                      specification(flag.value));
    }
  }
}

// Lists the commands below a node, or leads to the function of the one that is there.
void append_commands(std::string& out, const std::string& path, const CommandNode& node) {
  out += "  case $state in\n    command)\n      local -a commands=(\n";
  for (const CommandNode& inner : node.commands) {
    out += "        " + zsh_quoted(inner.name + ':' + described(inner.meaning)) + '\n';
  }
  out += "      )\n      _describe command commands\n      ;;\n    rest)\n      case $line[1] in\n";
  for (const CommandNode& inner : node.commands) {
    const bool is_help = path.empty() && inner.name == "help";
    out +=
        "        " + inner.name + ") " +
        (is_help ? "_picortex" : function_of(path.empty() ? inner.name : path + ' ' + inner.name)) +
        " ;;\n";
  }
  out += "      esac\n      ;;\n  esac\n";
}

std::string function(const std::string& path, const CommandNode& node) {
  std::string out = "\n" + function_of(path) + "() {\n";
  if (!node.commands.empty()) {
    out += "  local curcontext=$curcontext state line\n  _arguments -C";
    append_flags(out, node);
    out += " \\\n    '1: :->command' \\\n    '*:: :->rest'\n";
    append_commands(out, path, node);
  } else {
    out += "  _arguments";
    append_flags(out, node);
    if (path == "run") {
      out += " \\\n    '(-)1:program:_command_names -e' \\\n    '*::arguments:_normal'";
    } else if (node.argument.is_expected()) {
      out += " \\\n    " + zsh_quoted("*" + specification(node.argument));
    }
    out += '\n';
  }
  return out + "}\n";
}

}  // namespace

std::string zsh_completion(const CommandNode& program) {
  std::string script =
      "#compdef picortex\n"
      "# Completes the command line of picortex in zsh. Made by: picortex completion zsh\n";
  visit_commands(program, [&script](const std::string& path, const CommandNode& node) {
    script += function(path, node);
  });
  // Read by compinit, the file is the function's body; read by source, it announces the function.
  return script +
         "\nif [[ $funcstack[1] == _picortex ]]; then\n  _picortex \"$@\"\nelse\n"
         "  compdef _picortex picortex\nfi\n";
}

}  // namespace picortex
