#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <span>
#include <sstream>
#include <tuple>
#include <utility>

#include "base/json/json_text.h"
#include "base/terminal.h"
#include "base/version.h"
#include "cli/completion/completion_script.h"
#include "cli/completion/parser_description.h"
#include "cli/help_text.h"
#include "cli/suggestion.h"
#include "cli/terminal_options.h"

namespace picortex {
namespace {

Answer usage_error(std::string_view what) { return {2, "picortex: " + std::string(what) + '\n'}; }

// CLI11 only splits the arguments and prints the help. Settings decides between flag, variable and
// file: CLI11 would let a config file take precedence over the environment.
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
    serve_ = add_subcommand("serve", "Run the daemon", {});
    for (const OptionSection& section : kServeSections) {
      for (const Option* option : section.options) {
        add_option(*serve_, *option)->group(std::string(section.title));
      }
    }
    serve_->add_flag("--check", is_check_,
                     "check the options and the files that they name, and exit: with 0 if all is "
                     "well, else 1");
    health_ = add_subcommand("health",
                             "Show the health of a running daemon: exit status 0 when ok, else 1",
                             kHealthOptions);
    run_ = add_subcommand("run",
                          "Run a command under one request ID: picortex run [OPTIONS] -- "
                          "COMMAND ARGS…",
                          kRunOptions);
    logs_ = add_subcommand("logs",
                           "Show what happened, from the database, whether the daemon runs or not",
                           kLogsOptions);
    why_ =
        add_subcommand("why", "Show the story of one message: arrived, decided, done", kWhyOptions);
    add_emit();
    turns_ = add_subcommand("turns",
                            "List what an agent did for each message: time, cost, tools, errors",
                            kTurnsOptions);
    stats_ = add_subcommand("stats", "Count events, and make sums and percentiles of their fields",
                            kStatsOptions);
    chats_ = add_subcommand("chats", "List the chats: last activity, events, turns, errors",
                            kChatsOptions);
    errors_ = add_subcommand(
        "errors", "List the kinds of errors: how often, first and last, in which release and chats",
        kErrorsOptions);
    doctor_ = add_subcommand("doctor",
                             "Check this host: what is wrong, and the command that fixes it; exit "
                             "status 0 when all is well, else 1",
                             kDoctorOptions);
    add_db();
    forget_ =
        add_subcommand("forget", "Delete everything that is stored of a chat", kForgetOptions);
    add_ship();
    add_token();
    add_claude();
    add_egress();
    add_help();
    for (CLI::App* command : {serve_, health_, doctor_}) add_option(*command, kColor);
    for (CLI::App* command : {logs_, why_, turns_, stats_, chats_, errors_}) {
      for (const Option* option : kTerminalOptions) add_option(*command, *option);
    }
    add_examples(app_, {});
  }

  Command parse(std::vector<std::string> arguments, const Environment& environment,
                std::size_t help_width);

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

  // Of a command and those below it; `name` is how it is called, such as "egress allow".
  void add_examples(CLI::App& command, const std::string& name);
  std::string describe_typo(const std::vector<std::string>& words) const;
  void add_emit();
  void add_db();
  void add_ship();
  void add_token();
  void add_claude();
  void add_egress();
  void add_help();
  // Of the commands that say something about the program; nothing if another one was given.
  std::optional<Answer> answer_about_program(std::size_t help_width) const;
  CLI::App* add_egress_verb(EgressVerb verb, const std::string& name, const std::string& meaning,
                            std::span<const Option* const> options);
  CLI::Option* add_option(CLI::App& command, const Option& option);
  Command read(Settings& settings, std::vector<std::string> child_command);

  CLI::App app_{"picortex: logs, counters and health for one host of chats", "picortex"};
  CLI::App* serve_ = nullptr;
  bool is_check_ = false;
  CLI::App* doctor_ = nullptr;
  CLI::App* health_ = nullptr;
  CLI::App* run_ = nullptr;
  CLI::App* logs_ = nullptr;
  CLI::App* why_ = nullptr;
  CLI::App* turns_ = nullptr;
  CLI::App* stats_ = nullptr;
  CLI::App* chats_ = nullptr;
  CLI::App* errors_ = nullptr;
  CLI::App* forget_ = nullptr;
  CLI::App* egress_ = nullptr;
  CLI::App* emit_ = nullptr;
  std::string emit_type_;
  std::vector<std::string> emit_fields_;
  std::vector<std::pair<DbVerb, CLI::App*>> db_verbs_;
  std::string db_file_;
  CLI::App* ship_ = nullptr;
  std::vector<std::pair<ShipVerb, CLI::App*>> ship_verbs_;
  std::vector<std::pair<TokenVerb, CLI::App*>> token_verbs_;
  std::vector<std::pair<ClaudeVerb, CLI::App*>> claude_verbs_;
  std::string token_name_;
  std::vector<std::pair<EgressVerb, CLI::App*>> egress_verbs_;
  std::string egress_argument_;
  std::vector<std::pair<CLI::App*, EgressRulesAction>> egress_rules_;
  CLI::App* help_ = nullptr;
  CLI::App* version_ = nullptr;
  CLI::App* completion_ = nullptr;
  std::vector<std::string> help_words_;
  std::string completion_shell_;
  DeclaredOptions declared_;
  FlagValues flags_;
};

void CommandLine::add_examples(CLI::App& command, const std::string& name) {
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

void CommandLine::add_emit() {
  emit_ = add_subcommand("emit",
                         "Post an event, or lines of JSON from stdin: picortex emit TYPE [OPTIONS] "
                         "[NAME=TEXT…]",
                         kEmitOptions);
  emit_->add_option("TYPE", emit_type_, "the event's type; lines from stdin when not given, or -");
  emit_->add_option("FIELD", emit_fields_,
                    "a member of the event: NAME=TEXT, or NAME:=JSON for numbers, true, lists");
}

void CommandLine::add_db() {
  CLI::App* db =
      app_.add_subcommand("db", "Maintain the database, with or without a running daemon");
  db->require_subcommand(1);
  db_verbs_.emplace_back(
      DbVerb::check,
      add_subcommand(*db, "check", "Read all of it: exit status 0 when nothing is damaged",
                     kDbOptions));
  CLI::App* backup = add_subcommand(*db, "backup", "Write a copy of it, as of now", kDbOptions);
  backup->add_option("FILE", db_file_, "the copy, which must not exist yet")->required();
  db_verbs_.emplace_back(DbVerb::backup, backup);
  CLI::App* restore = add_subcommand(*db, "restore",
                                     "Put a backup in its place, while the daemon does not run; "
                                     "the previous database is kept as picortex.db.old",
                                     kDbOptions);
  restore->add_option("FILE", db_file_, "the backup, which stays as it is")->required();
  db_verbs_.emplace_back(DbVerb::restore, restore);
  db_verbs_.emplace_back(
      DbVerb::export_events,
      add_subcommand(*db, "export", "Write its events to stdout, a line of JSON each, oldest first",
                     kDbExportOptions));
  CLI::App* import = add_subcommand(
      *db, "import", "Store an export's events, while the daemon does not run", kDbImportOptions);
  import->add_option("FILE", db_file_, "the export; stdin when not given, or -");
  db_verbs_.emplace_back(DbVerb::import_events, import);
}

void CommandLine::add_ship() {
  ship_ = add_subcommand(
      "ship", "Send the events to an engine for many hosts, as they arrive, until SIGTERM",
      kShipOptions);
  ship_->require_subcommand(0, 1);
  ship_verbs_.emplace_back(
      ShipVerb::init,
      add_subcommand(*ship_, "init", "Print or make the target's table", kShipInitOptions));
  ship_verbs_.emplace_back(
      ShipVerb::status,
      add_subcommand(*ship_, "status", "Say how far each target is, and what it last answered",
                     kShipStatusOptions));
}

void CommandLine::add_token() {
  CLI::App* token = app_.add_subcommand(
      "token", "Tokens for clients that may do less than that of <data dir>/token");
  token->require_subcommand(1);
  const auto add = [&](TokenVerb verb, const char* name, const char* meaning) {
    CLI::App* command = verb == TokenVerb::create
                            ? add_subcommand(*token, name, meaning, kTokenCreateOptions)
                            : add_subcommand(*token, name, meaning, kTokenOptions);
    if (verb != TokenVerb::list) {
      command->add_option("NAME", token_name_, "1 to 64 letters, digits, '.', '_' and '-'")
          ->required();
    }
    token_verbs_.emplace_back(verb, command);
  };
  add(TokenVerb::create, "create", "Make a token, and print its secret, which is shown only once");
  add(TokenVerb::list, "list", "The tokens: their scopes, when they were made and last used");
  add(TokenVerb::revoke, "revoke", "Delete a token; a daemon that runs rejects it at once");
  add(TokenVerb::rotate, "rotate", "Give a token a new secret, and print that");
}

void CommandLine::add_claude() {
  CLI::App* claude = app_.add_subcommand("claude", "Have Claude Code report what it does");
  claude->require_subcommand(1);
  const std::tuple<ClaudeVerb, const char*, const char*> verbs[] = {
      {ClaudeVerb::install, "install", "Write settings by which its hooks call the daemon"},
      {ClaudeVerb::status, "status", "Say whether they are there, and what telemetry has come"},
      {ClaudeVerb::remove, "remove", "Delete these settings"},
      {ClaudeVerb::hook, "hook", "Bring the hook on stdin to the daemon; these settings run it"}};
  for (const auto& [verb, name, meaning] : verbs) {
    claude_verbs_.emplace_back(verb, add_subcommand(*claude, name, meaning, kClaudeOptions));
  }
}

void CommandLine::add_egress() {
  egress_ = app_.add_subcommand("egress", "What the fenced user may reach, and what it tried");
  egress_->require_subcommand(1);
  const auto add = [this](EgressVerb verb, const char* name, const char* meaning, auto& options) {
    return add_egress_verb(verb, name, meaning, options);
  };
  const auto argument = [this](CLI::App* verb, const char* name, const char* meaning) {
    return verb->add_option(name, egress_argument_, meaning)->required();
  };
  argument(
      add(EgressVerb::allow, "allow", "Allow a host, permanently or for a time",
          kEgressAllowOptions),
      "RULE",
      "HOST, *.HOST, HOST:PORT or ADDRESS/BITS:PORT; the port is 443 when not given. After a name, "
      "in "
      "one argument: private (it may resolve to private addresses), dns-only (the address that it "
      "resolved to suffices, for protocols that show no name, as in 'github.com:22 dns-only')");
  argument(add(EgressVerb::deny, "deny", "Remove a host's rules from the owner's files",
               kEgressFileOptions),
           "RULE", "the pattern as it was allowed; without a port, rules for any port");
  add(EgressVerb::list, "list", "The rules, how often each was used, and when last",
      kEgressListOptions);
  add(EgressVerb::hosts, "hosts",
      "The hosts that were attempted: how often each was allowed or denied, first and last",
      kEgressHostsOptions);
  argument(add(EgressVerb::test, "test",
               "Show what would happen, and by which rule: exit status 0 when allowed, 1 when "
               "denied, or when the port's protocol does not show the name that the rule needs; "
               "with --edit, 1 when an attempt that was allowed would be denied",
               kEgressTestOptions),
           "TARGET", "HOST, HOST:PORT, ADDRESS or [IPV6]:PORT; the port is 443 when not given")
      ->required(false);
  argument(add(EgressVerb::why, "why",
               "Why a host was denied lately: to the fenced user its own attempts, with the token "
               "all; exit status 1 when nothing was denied",
               kEgressWhyOptions),
           "HOST", "a host's name or an IP address");
  argument(add(EgressVerb::request, "request",
               "Ask the operator for a host, as the fenced user; nothing is allowed by it",
               kEgressRequestOptions),
           "HOST", "HOST, HOST:PORT, ADDRESS or [IPV6]:PORT; the port is 443 when not given");
  add(EgressVerb::proposals, "proposals",
      "The hosts that the agent has asked for, with what is known about each", kEgressFileOptions);
  argument(add(EgressVerb::approve, "approve", "Allow the host of a proposal, as egress allow does",
               kEgressAllowOptions),
           "N", "the proposal's number in egress proposals");
  add(EgressVerb::suggest, "suggest", "The rules that would have sufficed for what learn mode saw",
      kEgressFileOptions);
  add(EgressVerb::selftest, "selftest",
      "Try ways around the fence as the fenced user: exit status 1 when one is open",
      kEgressSelftestOptions);
  const std::tuple<const char*, const char*, EgressRulesAction> commands[] = {
      {"install", "Install the firewall's rules; without a daemon they deny everything",
       EgressRulesAction::install},
      {"remove", "Remove the firewall's rules: no user is fenced then", EgressRulesAction::remove},
      {"status",
       "Report differences from the expected rules, and ways to bypass them: exit status 0 when "
       "there are none",
       EgressRulesAction::status}};
  for (const auto& [name, meaning, action] : commands) {
    egress_rules_.emplace_back(add_subcommand(*egress_, name, meaning, kEgressRulesOptions),
                               action);
  }
}

void CommandLine::add_help() {
  help_ = app_.add_subcommand("help", "Show the help of a command");
  help_->add_option("COMMAND", help_words_, "such as: egress allow");
  version_ = app_.add_subcommand("version", "Show the version and the commit");
  completion_ = app_.add_subcommand(
      "completion", "Print the script by which a shell completes this command line");
  completion_->add_option("SHELL", completion_shell_, std::string(kShells))->required();
}

std::optional<Answer> CommandLine::answer_about_program(std::size_t help_width) const {
  if (version_->parsed()) return Answer{0, app_.version() + '\n'};
  if (help_->parsed()) {
    if (const std::string what = describe_typo(help_words_); !what.empty()) {
      return usage_error(what);
    }
    std::vector<std::string> words = help_words_;
    words.emplace_back("--help");
    return std::get<Answer>(CommandLine().parse(std::move(words), {}, help_width));
  }
  if (!completion_->parsed()) return std::nullopt;
  const std::optional<Shell> shell = parse_shell(completion_shell_);
  if (!shell) {
    return usage_error("completion: " + display(completion_shell_) + " is not allowed: give " +
                       std::string(kShells));
  }
  return Answer{0, completion_script(*shell, describe_parser(app_, declared_))};
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

CLI::Option* CommandLine::add_option(CLI::App& command, const Option& option) {
  std::string help(option.meaning);
  if (const std::string_view text = default_text(option); !text.empty()) {
    help.append(" (default: ").append(text).append(")");
  }
  help.append(" [").append(option.variable).append("]");
  const std::string flag = flag_names(option);
  const auto keep = [this, variable = std::string(option.variable)](const auto& value) {
    flags_[variable].push_back(value);
  };
  if (option.kind == Option::Kind::toggle) {
    CLI::Option* added = command.add_flag_callback(
        flag, [keep] { keep("true"); }, help);
    declared_.emplace(added, &option);
    return added;
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
  declared_.emplace(added, &option);
  return added;
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
  for (const auto& [verb, command] : ship_verbs_) {
    if (command->parsed()) return answer(read_ship_options(settings, verb));
  }
  if (ship_->parsed()) return answer(read_ship_options(settings, ShipVerb::run));
  for (const auto& [verb, command] : token_verbs_) {
    if (command->parsed()) return answer(read_token_options(settings, verb, token_name_));
  }
  for (const auto& [verb, command] : claude_verbs_) {
    if (command->parsed()) return answer(read_claude_options(settings, verb));
  }
  for (const auto& [verb, command] : egress_verbs_) {
    if (command->parsed()) return answer(read_egress_options(settings, verb, egress_argument_));
  }
  for (const auto& [command, action] : egress_rules_) {
    if (command->parsed()) return answer(read_egress_rules_options(settings, action));
  }
  if (emit_->parsed()) return answer(read_emit_options(settings, emit_type_, emit_fields_));
  if (logs_->parsed()) return answer(read_logs_options(settings));
  if (forget_->parsed()) return answer(read_forget_options(settings));
  if (turns_->parsed()) return answer(read_turns_options(settings));
  if (why_->parsed()) return answer(read_why_options(settings));
  if (stats_->parsed()) return answer(read_stats_options(settings));
  if (chats_->parsed()) return answer(read_chats_options(settings));
  if (errors_->parsed()) return answer(read_errors_options(settings));
  return answer(read_run_options(settings, std::move(child_command)));
}

// Returns what is wrong with the first word that is not a subcommand or flag where one is expected,
// and which one was probably meant. Returns an empty text if something else is wrong.
std::string CommandLine::describe_typo(const std::vector<std::string>& words) const {
  const CLI::App* command = &app_;
  for (const std::string& word : words) {
    const bool is_flag = word.starts_with("--");
    if (!is_flag && command->get_subcommands({}).empty()) continue;  // an argument or a value
    std::vector<std::string> names;
    if (is_flag) {
      for (const CLI::Option* option : command->get_options({})) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      }
    } else {
      for (const CLI::App* inner : command->get_subcommands({})) names.push_back(inner->get_name());
    }
    const std::string name = word.substr(0, is_flag ? word.find('=') : word.npos);
    if (std::ranges::find(names, name) == names.end()) {
      const std::string nearest = nearest_name(name, names);
      return (is_flag ? "there is no option " : "there is no subcommand ") + display(name) +
             (nearest.empty() ? ": see " : ": did you mean " + nearest + "? See ") + "picortex " +
             (command == &app_ ? "" : command->get_name() + ' ') + "--help";
    }
    if (!is_flag) command = command->get_subcommand(name);
  }
  return {};
}

Command CommandLine::parse(std::vector<std::string> arguments, const Environment& environment,
                           std::size_t help_width) {
  // Everything after the first "--" of run belongs to the child, whatever it looks like.
  std::vector<std::string> child_command;
  if (!arguments.empty() && arguments.front() == "run") {
    const auto dashes = std::ranges::find(arguments, "--");
    if (dashes != arguments.end()) child_command.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  const std::vector<std::string> words = arguments;
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  try {
    app_.parse(std::move(arguments));
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    app_.exit(asked, text, text);
    return Answer{0, wrapped_help(text.str(), help_width)};
  } catch (const CLI::ParseError& error) {
    std::string what = describe_typo(words);
    if (!what.empty()) return usage_error(what);
    append_json_escaped(what, std::string_view(error.what()).substr(0, 400));
    return usage_error(what + ": see picortex --help");
  }
  if (std::optional<Answer> answer = answer_about_program(help_width)) return *std::move(answer);
  if (run_->parsed() && child_command.empty()) {
    return usage_error("run: no command given: add it after --, as in picortex run -- make test");
  }
  if (doctor_->parsed() || is_check_) {
    auto options = read_doctor_options(flags_, environment,
                                       is_check_ ? DoctorScope::config : DoctorScope::host);
    if (!options) return usage_error(options.error().what);
    return *std::move(options);
  }
  auto settings = resolve_settings(flags_, environment, !serve_->parsed());
  if (!settings) return usage_error(settings.error().what);
  read_terminal(*settings);
  return read(*settings, std::move(child_command));
}

}  // namespace

Command parse_command_line(const std::vector<std::string>& arguments,
                           const Environment& environment, std::size_t help_width) {
  return CommandLine().parse(arguments, environment, help_width);
}

}  // namespace picortex
