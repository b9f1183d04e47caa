#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>
#include <sstream>
#include <tuple>
#include <utility>

#include "base/json_text.h"
#include "cli/version.h"

namespace picortex {
namespace {

Answer usage_error(std::string_view what) { return {2, "picortex: " + std::string(what) + '\n'}; }

// CLI11 only splits the arguments and prints the help. Which of flag, variable and file counts is
// Settings' to say: CLI11 would let a config file win over the environment.
class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version",
                          "picortex " + std::string(kVersion) + " (" + std::string(kCommit) + ")");
    app_.get_formatter()->column_width(34);
    app_.footer(
        "Every option is a flag, an environment variable, and a line of the config file, in "
        "that order.");
    serve_ = add_subcommand("serve", "Run the daemon", kServeOptions);
    health_ = add_subcommand(
        "health", "Ask a running daemon how it is: exit status 0 when ok, else 1", kHealthOptions);
    run_ = add_subcommand("run",
                          "Run a command under one request ID: picortex run [OPTIONS] -- "
                          "COMMAND ARGS…",
                          kRunOptions);
    logs_ = add_subcommand("logs",
                           "Show what happened, from the database, whether the daemon runs or not",
                           kLogsOptions);
    why_ =
        add_subcommand("why", "Tell the story of one message: arrived, decided, done", kWhyOptions);
    add_db();
    add_egress();
  }

  Command parse(std::vector<std::string> arguments, const Environment& environment);

 private:
  CLI::App* add_subcommand(const std::string& name, const std::string& meaning,
                           std::span<const Option* const> options) {
    return add_subcommand(app_, name, meaning, options);
  }

  CLI::App* add_subcommand(CLI::App& parent, const std::string& name, const std::string& meaning,
                           std::span<const Option* const> options) {
    CLI::App* command = parent.add_subcommand(name, meaning);
    add_option(*command, kConfig);
    for (const Option* option : options) add_option(*command, *option);
    return command;
  }

  void add_db();
  void add_egress();
  CLI::App* add_egress_verb(EgressVerb verb, const std::string& name, const std::string& meaning,
                            std::span<const Option* const> options);
  void add_option(CLI::App& command, const Option& option);
  Command read(Settings& settings, std::vector<std::string> child_command);

  CLI::App app_{"picortex: logs, counters and health for one host of chats", "picortex"};
  CLI::App* serve_ = nullptr;
  CLI::App* health_ = nullptr;
  CLI::App* run_ = nullptr;
  CLI::App* logs_ = nullptr;
  CLI::App* why_ = nullptr;
  CLI::App* egress_ = nullptr;
  std::vector<std::pair<DbVerb, CLI::App*>> db_verbs_;
  std::string db_file_;
  std::vector<std::pair<EgressVerb, CLI::App*>> egress_verbs_;
  std::string egress_argument_;
  std::vector<std::pair<CLI::App*, EgressRulesAction>> egress_rules_;
  FlagValues flags_;
};

void CommandLine::add_db() {
  CLI::App* db = app_.add_subcommand("db", "Look after the database, while the daemon runs or not");
  db->require_subcommand(1);
  db_verbs_.emplace_back(
      DbVerb::check,
      add_subcommand(*db, "check", "Read all of it: exit status 0 when nothing is damaged",
                     kDbOptions));
  CLI::App* backup = add_subcommand(*db, "backup", "Write a copy of it, as of now", kDbOptions);
  backup->add_option("FILE", db_file_, "the copy, which must not exist yet")->required();
  db_verbs_.emplace_back(DbVerb::backup, backup);
  db_verbs_.emplace_back(
      DbVerb::export_events,
      add_subcommand(*db, "export", "Write its events to stdout, a line of JSON each, oldest first",
                     kDbExportOptions));
  CLI::App* import = add_subcommand(
      *db, "import", "Store an export's events, while the daemon does not run", kDbOptions);
  import->add_option("FILE", db_file_, "the export; stdin when not given, or -");
  db_verbs_.emplace_back(DbVerb::import_events, import);
}

void CommandLine::add_egress() {
  egress_ = app_.add_subcommand("egress", "What the fenced user may reach, and what it tried");
  egress_->require_subcommand(1);
  const auto add = [this](EgressVerb verb, const char* name, const char* meaning, auto& options) {
    return add_egress_verb(verb, name, meaning, options);
  };
  const auto argument = [this](CLI::App* verb, const char* name, const char* meaning) {
    verb->add_option(name, egress_argument_, meaning)->required();
  };
  argument(
      add(EgressVerb::allow, "allow", "Permit a host, for good or for a time", kEgressAllowOptions),
      "RULE", "HOST, *.HOST, HOST:PORT or ADDRESS/BITS:PORT");
  argument(add(EgressVerb::deny, "deny", "Take a host's rules out of the owner's files",
               kEgressFileOptions),
           "RULE", "as it was allowed; without a port, whatever its port");
  add(EgressVerb::list, "list", "The rules, how often each was used, and when last",
      kEgressListOptions);
  add(EgressVerb::hosts, "hosts", "The hosts that were attempted: first, last, how often",
      kEgressHostsOptions);
  argument(add(EgressVerb::test, "test",
               "What would happen, and by which rule: exit status 0 when allowed, 1 when refused",
               kEgressFileOptions),
           "TARGET", "HOST, HOST:PORT, ADDRESS or [IPV6]:PORT; the port is 443 when not given");
  add(EgressVerb::suggest, "suggest", "The rules that would have sufficed for what learn mode saw",
      kEgressFileOptions);
  add(EgressVerb::selftest, "selftest",
      "Try ways around the fence as the fenced user: exit status 1 when one is open",
      kEgressSelftestOptions);
  const std::tuple<const char*, const char*, EgressRulesAction> commands[] = {
      {"install", "Put the firewall's rules in place; without a daemon they refuse everything",
       EgressRulesAction::install},
      {"remove", "Take the firewall's rules away: nobody is fenced", EgressRulesAction::remove},
      {"status",
       "Say what differs from the rules that should be, and what is open beside them: exit status "
       "0 when nothing is",
       EgressRulesAction::status}};
  for (const auto& [name, meaning, action] : commands) {
    egress_rules_.emplace_back(add_subcommand(*egress_, name, meaning, kEgressRulesOptions),
                               action);
  }
}

CLI::App* CommandLine::add_egress_verb(EgressVerb verb, const std::string& name,
                                       const std::string& meaning,
                                       std::span<const Option* const> options) {
  CLI::App* command = egress_->add_subcommand(name, meaning);
  add_option(*command, kConfig);
  for (const Option* option : options) add_option(*command, *option);
  egress_verbs_.emplace_back(verb, command);
  return command;
}

void CommandLine::add_option(CLI::App& command, const Option& option) {
  std::string help(option.meaning);
  if (!option.fallback.empty()) help.append(" (default: ").append(option.fallback).append(")");
  help.append(" [").append(option.variable).append("]");
  const std::string flag(option.flag);
  const auto keep = [this, variable = std::string(option.variable)](const auto& value) {
    flags_[variable].push_back(value);
  };
  if (option.kind == Option::Kind::toggle) {
    command.add_flag_callback(
        flag, [keep] { keep("true"); }, help);
    return;
  }
  CLI::Option* added;
  if (option.kind == Option::Kind::list) {
    added = command.add_option_function<std::vector<std::string>>(
        flag,
        [keep](const std::vector<std::string>& values) { std::ranges::for_each(values, keep); },
        help);
  } else {
    added = command.add_option_function<std::string>(flag, keep, help);
  }
  added->type_name(std::string(option.placeholder))->type_size(1)->allow_extra_args(false);
}

Command CommandLine::read(Settings& settings, std::vector<std::string> child_command) {
  const auto answer = [](auto options) -> Command {
    if (!options) return usage_error(options.error().what);
    return *std::move(options);
  };
  if (serve_->parsed()) return answer(read_serve_options(settings));
  if (health_->parsed()) return answer(read_health_options(settings));
  for (const auto& [verb, command] : db_verbs_) {
    if (command->parsed()) return answer(read_db_options(settings, verb, db_file_));
  }
  for (const auto& [verb, command] : egress_verbs_) {
    if (command->parsed()) return answer(read_egress_options(settings, verb, egress_argument_));
  }
  for (const auto& [command, action] : egress_rules_) {
    if (command->parsed()) return answer(read_egress_rules_options(settings, action));
  }
  if (logs_->parsed()) return answer(read_logs_options(settings));
  if (why_->parsed()) return answer(read_why_options(settings));
  return answer(read_run_options(settings, std::move(child_command)));
}

Command CommandLine::parse(std::vector<std::string> arguments, const Environment& environment) {
  // What stands behind the first "--" of run is the child's, whatever it looks like.
  std::vector<std::string> child_command;
  if (!arguments.empty() && arguments.front() == "run") {
    const auto dashes = std::ranges::find(arguments, "--");
    if (dashes != arguments.end()) child_command.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  try {
    app_.parse(std::move(arguments));
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    app_.exit(asked, text, text);
    return Answer{0, text.str()};
  } catch (const CLI::ParseError& error) {
    std::string what;
    append_json_escaped(what, std::string_view(error.what()).substr(0, 400));
    return usage_error(what + ": see picortex --help");
  }
  if (run_->parsed() && child_command.empty()) {
    return usage_error(
        "run: there is no command: give it behind --, as in picortex run -- make test");
  }
  auto settings = resolve_settings(flags_, environment, !serve_->parsed());
  if (!settings) return usage_error(settings.error().what);
  return read(*settings, std::move(child_command));
}

}  // namespace

Command parse_command_line(const std::vector<std::string>& arguments,
                           const Environment& environment) {
  return CommandLine().parse(arguments, environment);
}

}  // namespace picortex
