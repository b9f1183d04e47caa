#include "cli/parser/commands.h"

#include <array>

#include "cli/parser/command_parser.h"
#include "daemon/config/options.h"

namespace picortex {
namespace {

constexpr std::array<const Option*, 1> kColorOption{&kColor};

CommandReader doctor_reader(DoctorScope scope) {
  return [scope](GivenCommand& given) {
    return command_of(read_doctor_options(given.flags, given.environment, scope));
  };
}

void declare_serve(CommandParser& parser) {
  const CommandReader serve =
      from_settings([](Settings& settings, GivenCommand&) { return read_serve_options(settings); },
                    ConfigAccess::required);
  const CommandReader check = doctor_reader(DoctorScope::config);
  CLI::App& command = parser.add(
      {.name = "serve", .meaning = "Run the daemon", .read = [serve, check](GivenCommand& given) {
         return given.is_check ? check(given) : serve(given);
       }});
  for (const OptionSection& section : kServeSections) {
    for (const Option* option : section.options) {
      parser.add_option(command, *option, section.title);
    }
  }
  parser.add_switch(command, "--check", &GivenCommand::is_check,
                    "check the options and the files that they name, and exit: with 0 if all is "
                    "well, else 1");
  parser.add_option(command, kColor);
}

void declare_run(CommandParser& parser) {
  const CommandReader read = from_settings([](Settings& settings, GivenCommand& given) {
    return read_run_options(settings, std::move(given.child_command));
  });
  parser.add(
      {.name = "run",
       .meaning = "Run a command under one request ID: picortex run [OPTIONS] -- COMMAND ARGS…",
       .options = kRunOptions,
       .read = [read](GivenCommand& given) -> Command {
         if (given.child_command.empty()) {
           return usage_error(
               "run: no command given: add it after --, as in picortex run -- make test");
         }
         return read(given);
       }});
}

void declare_emit(CommandParser& parser) {
  parser.add(
      {.name = "emit",
       .meaning = "Post an event, or lines of JSON from stdin: picortex emit TYPE [OPTIONS] "
                  "[NAME=TEXT…]",
       .options = kEmitOptions,
       .operand = {.name = "TYPE",
                   .meaning = "the event's type; lines from stdin when not given, or -",
                   .use = Operand::Use::optional},
       .operands = {.name = "FIELD",
                    .meaning = "a member of the event: NAME=TEXT, or NAME:=JSON for numbers, true, "
                               "lists"},
       .read = from_settings([](Settings& settings, GivenCommand& given) {
         return read_emit_options(settings, given.operand, given.operands);
       })});
}

// Those that print what is stored.
template <class Options>
void declare_question(CommandParser& parser, const char* name, const char* meaning,
                      std::span<const Option* const> options, Result<Options> (*read)(Settings&)) {
  parser.add({.name = name,
              .meaning = meaning,
              .options = options,
              .display_options = kTerminalOptions,
              .read = from_settings(read)});
}

}  // namespace

void declare_commands(CommandParser& parser) {
  declare_serve(parser);
  parser.add({.name = "health",
              .meaning = "Show the health of a running daemon: exit status 0 when ok, else 1",
              .options = kHealthOptions,
              .display_options = kColorOption,
              .read = from_settings(read_health_options)});
  declare_run(parser);
  declare_question(parser, "logs",
                   "Show what happened, from the database, whether the daemon runs or not",
                   kLogsOptions, read_logs_options);
  declare_question(parser, "why", "Show the story of one message: arrived, decided, done",
                   kWhyOptions, read_why_options);
  declare_emit(parser);
  declare_question(parser, "turns",
                   "List what an agent did for each message: time, cost, tools, errors",
                   kTurnsOptions, read_turns_options);
  declare_question(parser, "stats", "Count events, and make sums and percentiles of their fields",
                   kStatsOptions, read_stats_options);
  declare_question(parser, "chats", "List the chats: last activity, events, turns, errors",
                   kChatsOptions, read_chats_options);
  declare_question(
      parser, "errors",
      "List the kinds of errors: how often, first and last, in which release and chats",
      kErrorsOptions, read_errors_options);
  parser.add({.name = "doctor",
              .meaning = "Check this host: what is wrong, and the command that fixes it; exit "
                         "status 0 when all is well, else 1",
              .options = kDoctorOptions,
              .display_options = kColorOption,
              .read = doctor_reader(DoctorScope::host)});
  declare_db(parser);
  parser.add({.name = "forget",
              .meaning = "Delete everything that is stored of a chat",
              .options = kForgetOptions,
              .read = from_settings(read_forget_options)});
  declare_ship(parser);
  declare_token(parser);
  declare_claude(parser);
  declare_egress(parser);
  declare_program_commands(parser);
}

}  // namespace picortex
