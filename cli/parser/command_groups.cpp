#include <span>

#include "cli/parser/command_parser.h"
#include "cli/parser/commands.h"
#include "daemon/config/options.h"

// The groups of commands about the database, shipping, tokens and Claude Code.
namespace picortex {
namespace {

CommandReader db_reader(DbVerb verb) {
  return from_settings([verb](Settings& settings, GivenCommand& given) {
    return read_db_options(settings, verb, given.operand);
  });
}

CommandReader ship_reader(ShipVerb verb) {
  return from_settings(
      [verb](Settings& settings, GivenCommand&) { return read_ship_options(settings, verb); });
}

CommandReader token_reader(TokenVerb verb) {
  return from_settings([verb](Settings& settings, GivenCommand& given) {
    return read_token_options(settings, verb, given.operand);
  });
}

CommandReader claude_reader(ClaudeVerb verb) {
  return from_settings(
      [verb](Settings& settings, GivenCommand&) { return read_claude_options(settings, verb); });
}

}  // namespace

void declare_db(CommandParser& parser) {
  CLI::App& db = parser.add_group("db", "Maintain the database, with or without a running daemon");
  parser.add_below(db, {.name = "check",
                        .meaning = "Read all of it: exit status 0 when nothing is damaged",
                        .options = kDbOptions,
                        .read = db_reader(DbVerb::check)});
  parser.add_below(db,
                   {.name = "backup",
                    .meaning = "Write a copy of it, as of now",
                    .options = kDbOptions,
                    .operand = {.name = "FILE", .meaning = "the copy, which must not exist yet"},
                    .read = db_reader(DbVerb::backup)});
  parser.add_below(db, {.name = "restore",
                        .meaning = "Put a backup in its place, while the daemon does not run; the "
                                   "previous database is kept as picortex.db.old",
                        .options = kDbOptions,
                        .operand = {.name = "FILE", .meaning = "the backup, which stays as it is"},
                        .read = db_reader(DbVerb::restore)});
  parser.add_below(db, {.name = "export",
                        .meaning = "Write its events to stdout, a line of JSON each, oldest first",
                        .options = kDbExportOptions,
                        .read = db_reader(DbVerb::export_events)});
  parser.add_below(db, {.name = "import",
                        .meaning = "Store an export's events, while the daemon does not run",
                        .options = kDbImportOptions,
                        .operand = {.name = "FILE",
                                    .meaning = "the export; stdin when not given, or -",
                                    .use = Operand::Use::optional},
                        .read = db_reader(DbVerb::import_events)});
}

void declare_ship(CommandParser& parser) {
  CLI::App& ship = parser.add(
      {.name = "ship",
       .meaning = "Send the events to an engine for many hosts, as they arrive, until SIGTERM",
       .options = kShipOptions,
       .read = ship_reader(ShipVerb::run)});
  parser.let_one_follow(ship);
  parser.add_below(ship, {.name = "init",
                          .meaning = "Print or make the target's table",
                          .options = kShipInitOptions,
                          .read = ship_reader(ShipVerb::init)});
  parser.add_below(ship, {.name = "status",
                          .meaning = "Say how far each target is, and what it last answered",
                          .options = kShipStatusOptions,
                          .read = ship_reader(ShipVerb::status)});
}

void declare_token(CommandParser& parser) {
  CLI::App& token = parser.add_group(
      "token", "Tokens for clients that may do less than that of <data dir>/token");
  const Operand name{.name = "NAME", .meaning = "1 to 64 letters, digits, '.', '_' and '-'"};
  parser.add_below(token,
                   {.name = "create",
                    .meaning = "Make a token, and print its secret, which is shown only once",
                    .options = kTokenCreateOptions,
                    .operand = name,
                    .read = token_reader(TokenVerb::create)});
  parser.add_below(token, {.name = "list",
                           .meaning = "The tokens: their scopes, when they were made and last used",
                           .options = kTokenOptions,
                           .read = token_reader(TokenVerb::list)});
  parser.add_below(token, {.name = "revoke",
                           .meaning = "Delete a token; a daemon that runs rejects it at once",
                           .options = kTokenOptions,
                           .operand = name,
                           .read = token_reader(TokenVerb::revoke)});
  parser.add_below(token, {.name = "rotate",
                           .meaning = "Give a token a new secret, and print that",
                           .options = kTokenOptions,
                           .operand = name,
                           .read = token_reader(TokenVerb::rotate)});
}

void declare_claude(CommandParser& parser) {
  CLI::App& claude = parser.add_group("claude", "Have Claude Code report what it does");
  const auto add = [&](ClaudeVerb verb, const char* name, const char* meaning) {
    parser.add_below(
        claude,
        {.name = name, .meaning = meaning, .options = kClaudeOptions, .read = claude_reader(verb)});
  };
  add(ClaudeVerb::install, "install", "Write settings by which its hooks call the daemon");
  add(ClaudeVerb::status, "status", "Say whether they are there, and what telemetry has come");
  add(ClaudeVerb::remove, "remove", "Delete these settings");
  add(ClaudeVerb::hook, "hook", "Bring the hook on stdin to the daemon; these settings run it");
}

}  // namespace picortex
