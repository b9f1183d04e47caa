#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cli/completion/command_tree.h"
#include "cli/completion/parser_description.h"
#include "cli/parser/command_reader.h"
#include "daemon/config/option.h"

namespace picortex {

// A word that stands for itself on the command line, without a flag. A name that is empty means
// that the command takes none.
struct Operand {
  enum class Use : bool { optional, required };

  std::string name = {};
  std::string meaning = {};
  Use use = Use::required;
};

// What one command is called, takes and does.
struct CommandDeclaration {
  std::string name = {};
  std::string meaning = {};
  std::span<const Option* const> options = {};
  std::span<const Option* const> display_options = {};  // the last ones in the help
  Operand operand = {};
  Operand operands = {};  // any number of words; never required
  CommandReader read = {};
};

// Parses the command line with CLI11, which only splits the arguments and prints the help. Settings
// decides between flag, variable and file: CLI11 would let a config file take precedence over the
// environment.
//
// Declare the commands first, in the order of the help, then call parse() once. What a declaration
// returns lives as long as the parser.
class CommandParser {
 public:
  CommandParser();
  ~CommandParser();
  CommandParser(const CommandParser&) = delete;
  CommandParser& operator=(const CommandParser&) = delete;

  // Each command takes --config besides its own options.
  CLI::App& add(const CommandDeclaration& command);
  CLI::App& add_below(CLI::App& parent, const CommandDeclaration& command);
  // A name that is nothing without one of the commands below it.
  CLI::App& add_group(const std::string& name, const std::string& meaning);
  // At most one of the commands below it may follow.
  void let_one_follow(CLI::App& command);
  // Without --config: `help`, `version` and `completion` are about the program itself.
  CLI::App& add_plain(const CommandDeclaration& command);

  // `title` is the heading in the help; the usual one if it is empty.
  void add_option(CLI::App& command, const Option& option, std::string_view title = {});
  // A flag that is no Option: it is given on the command line only.
  void add_switch(CLI::App& command, const std::string& flag, bool GivenCommand::*target,
                  const std::string& meaning);

  // Returns what the words ask for, or the help, or what is wrong with them.
  Command parse(const std::vector<std::string>& words, GivenCommand given);

  // Returns what is wrong with words that name a command; empty if nothing is (typo.h).
  std::string typo_in(const std::vector<std::string>& words) const;
  // Returns the commands and their flags as a tree, for the completions.
  CommandNode describe() const;
  // "picortex 1.2.3 (COMMIT)"
  static std::string version_text();

 private:
  CLI::App& add_to(CLI::App& parent, const CommandDeclaration& command,
                   std::span<const Option* const> first_options);
  void add_operands(CLI::App& app, const CommandDeclaration& command);
  // Of a command and those below it; `name` is how it is called, such as "egress allow".
  void add_examples(CLI::App& command, const std::string& name);
  Command read_given();

  std::unique_ptr<CLI::App> program_;
  std::unordered_map<const CLI::App*, CommandReader> readers_;
  DeclaredOptions declared_;
  GivenCommand given_;
};

}  // namespace picortex
