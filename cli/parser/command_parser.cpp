#include "cli/parser/command_parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "base/json/json_text.h"
#include "base/version.h"
#include "cli/help_text.h"
#include "cli/parser/typo.h"
#include "daemon/config/options.h"

namespace picortex {
namespace {

constexpr std::size_t kParserTextShown = 400;  // bytes of what CLI11 says about an error
constexpr std::array<const Option*, 1> kConfigOption{&kConfig};

std::string help_of(const Option& option) {
  std::string help(option.meaning);
  if (const std::string_view text = default_text(option); !text.empty()) {
    help.append(" (default: ").append(text).append(")");
  }
  return help.append(" [").append(option.variable).append("]");
}

}  // namespace

CommandParser::CommandParser()
    : program_(std::make_unique<CLI::App>(
          "picortex: logs, counters and health for one host of chats", "picortex")) {
  program_->require_subcommand(1);
  program_->set_version_flag("--version", version_text());
  program_->get_formatter()->column_width(34);
  program_->footer(
      "Every option is a flag, an environment variable, and a line of the config file, in "
      "that order.");
}

CommandParser::~CommandParser() = default;

std::string CommandParser::version_text() {
  return "picortex " + std::string(kVersion) + " (" + std::string(kCommit) + ")";
}

// --- Declarations ---

CLI::App& CommandParser::add(const CommandDeclaration& command) {
  return add_below(*program_, command);
}

CLI::App& CommandParser::add_below(CLI::App& parent, const CommandDeclaration& command) {
  return add_to(parent, command, kConfigOption);
}

CLI::App& CommandParser::add_plain(const CommandDeclaration& command) {
  return add_to(*program_, command, {});
}

CLI::App& CommandParser::add_group(const std::string& name, const std::string& meaning) {
  CLI::App& group = *program_->add_subcommand(name, meaning);
  group.require_subcommand(1);
  return group;
}

void CommandParser::let_one_follow(CLI::App& command) { command.require_subcommand(0, 1); }

CLI::App& CommandParser::add_to(CLI::App& parent, const CommandDeclaration& command,
                                std::span<const Option* const> first_options) {
  CHECK(command.read != nullptr);
  CLI::App& app = *parent.add_subcommand(command.name, command.meaning);
  for (const auto options : {first_options, command.options, command.display_options}) {
    for (const Option* option : options) add_option(app, *option);
  }
  add_operands(app, command);
  readers_.emplace(&app, command.read);
  return app;
}

void CommandParser::add_operands(CLI::App& app, const CommandDeclaration& command) {
  if (const Operand& one = command.operand; !one.name.empty()) {
    app.add_option(one.name, given_.operand, one.meaning)
        ->required(one.use == Operand::Use::required);
  }
  if (const Operand& several = command.operands; !several.name.empty()) {
    app.add_option(several.name, given_.operands, several.meaning);
  }
}

void CommandParser::add_option(CLI::App& command, const Option& option, std::string_view title) {
  const auto keep = [this, variable = std::string(option.variable)](const auto& value) {
    given_.flags[variable].push_back(value);
  };
  const std::string flag = flag_names(option);
  CLI::Option* added;
  if (option.kind == Option::Kind::toggle) {
    added = command.add_flag_callback(
        flag, [keep] { keep("true"); }, help_of(option));
  } else {
    if (option.kind == Option::Kind::list) {
      added = command.add_option_function<std::vector<std::string>>(
          flag,
          [keep](const std::vector<std::string>& values) { std::ranges::for_each(values, keep); },
          help_of(option));
    } else {
      added = command.add_option_function<std::string>(flag, keep, help_of(option));
    }
    added->type_name(std::string(option.placeholder))->type_size(1)->allow_extra_args(false);
  }
  if (!title.empty()) added->group(std::string(title));
  declared_.emplace(added, &option);
}

void CommandParser::add_switch(CLI::App& command, const std::string& flag,
                               bool GivenCommand::*target, const std::string& meaning) {
  command.add_flag(flag, given_.*target, meaning);
}

void CommandParser::add_examples(CLI::App& command, const std::string& name) {
  std::string text;
  for (std::string_view lines = examples_of(name); !lines.empty();) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    text.append(text.empty() ? "Examples:\n  " : "\n  ").append(line);
  }
  if (!command.get_footer().empty()) text += "\n\n" + command.get_footer();
  command.footer(text);
  for (CLI::App* inner : command.get_subcommands({})) {
    add_examples(*inner, name.empty() ? inner->get_name() : name + ' ' + inner->get_name());
  }
}

// --- Parsing ---

Command CommandParser::parse(const std::vector<std::string>& words, GivenCommand given) {
  add_examples(*program_, {});
  given_ = std::move(given);
  std::vector<std::string> backwards(words.rbegin(), words.rend());  // as CLI11 takes them
  try {
    program_->parse(std::move(backwards));
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    program_->exit(asked, text, text);
    return Answer{0, wrapped_help(text.str(), given_.help_width)};
  } catch (const CLI::ParseError& error) {
    std::string what = typo_in(words);
    if (!what.empty()) return usage_error(what);
    append_json_escaped(what, std::string_view(error.what()).substr(0, kParserTextShown));
    return usage_error(what + ": see picortex --help");
  }
  return read_given();
}

// The command that was given is the last one on the line, such as allow of "egress allow".
Command CommandParser::read_given() {
  const CLI::App* command = program_.get();
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  const auto reader = readers_.find(command);
  CHECK(reader != readers_.end());
  return reader->second(given_);
}

std::string CommandParser::typo_in(const std::vector<std::string>& words) const {
  return describe_typo(*program_, words);
}

CommandNode CommandParser::describe() const { return describe_parser(*program_, declared_); }

}  // namespace picortex
