#pragma once

#include "daemon/config/option.h"

namespace picortex {

// Options of the other commands, and those that all of them have.

inline constexpr Option kConfig{"--config",
                                "PICORTEX_CONFIG",
                                "FILE",
                                "/etc/picortex/picortex.conf",
                                "file of NAME=value lines, read when it exists",
                                "the path of a readable file"};

inline constexpr Option kColor{"--color",
                               "PICORTEX_COLOR",
                               "WHEN",
                               "auto",
                               "auto: colours on a terminal, unless NO_COLOR is set",
                               "auto, always or never"};

inline constexpr Option kNoPager{"--no-pager",
                                 "PICORTEX_NO_PAGER",
                                 "",
                                 "false",
                                 "do not show long answers in a pager ($PAGER, else less)",
                                 "true or 1, false or 0",
                                 Option::Kind::toggle};

inline constexpr Option kHealthTimeout{"--timeout",
                                       "PICORTEX_HEALTH_TIMEOUT",
                                       "TIME",
                                       "5s",
                                       "how long to wait for the answer",
                                       "a whole number with ms or s, from 1ms to 300s"};

inline constexpr Option kHealthJson{"--json",
                                    "PICORTEX_HEALTH_JSON",
                                    "",
                                    "false",
                                    "print the answer unchanged",
                                    "true or 1, false or 0",
                                    Option::Kind::toggle};

inline constexpr Option kDoctorJson{"--json",
                                    "PICORTEX_DOCTOR_JSON",
                                    "",
                                    "false",
                                    "print the findings as JSON on one line",
                                    "true or 1, false or 0",
                                    Option::Kind::toggle};

inline constexpr Option kDoctorClient{
    "--client-user",
    "PICORTEX_DOCTOR_CLIENT_USER",
    "USER",
    "",
    "check whether this user can send events, such as the bot's (default: the user who asks, "
    "unless that is root or the daemon's)",
    "the name of a user of this host"};

inline constexpr Option kChat{"--chat",
                              "PICORTEX_CHAT_ID",
                              "ID",
                              "",
                              "the chat that the command works for (default: none)",
                              "1 to 256 bytes of UTF-8 text"};

inline constexpr Option kEmitRequest{"--request",
                                     "PICORTEX_REQUEST_ID",
                                     "ID",
                                     "",
                                     "the request that the event belongs to (default: none)",
                                     "a UUID"};

inline constexpr Option kEmitLevel{
    "--level", "PICORTEX_EMIT_LEVEL", "LEVEL",
    "info",    "how serious it is",   "trace, debug, info, warn, error or fatal"};

inline constexpr Option kEmitMsg{"--msg", "PICORTEX_EMIT_MSG", "TEXT",
                                 "",      "what happened",     "UTF-8 text"};

inline constexpr Option kLogEvents{
    "--log-events",
    "PICORTEX_RUN_LOG_EVENTS",
    "WHEN",
    "auto",
    "write child.start and child.exit to stderr; auto: unless that is a terminal",
    "always, never or auto"};

inline constexpr Option kNoArgv{"--no-argv",
                                "PICORTEX_RUN_NO_ARGV",
                                "",
                                "false",
                                "leave the command's arguments out of child.start; by default they "
                                "are stored, with *** for what looks like a secret",
                                "true or 1, false or 0",
                                Option::Kind::toggle};

inline constexpr Option kTokenScope{"--scope",
                                    "PICORTEX_TOKEN_SCOPE",
                                    "SCOPES",
                                    "",
                                    "what the token's user may do: read, write, telemetry, admin, "
                                    "or several with commas between",
                                    "read, write, telemetry or admin, or several separated by "
                                    "commas"};

inline constexpr Option kClaudeUser{
    "--user",
    "PICORTEX_CLAUDE_USER",
    "USER",
    "",
    "whose settings: ~USER/.claude/settings.json (default: those that every user of the host has, "
    "/etc/claude-code/managed-settings.json)",
    "the name of a user of this host"};

inline constexpr Option kForgetChat{"--chat",
                                    "PICORTEX_FORGET_CHAT",
                                    "ID",
                                    "",
                                    "the chat of which nothing is to be left; exactly this one",
                                    "1 to 256 bytes of UTF-8 text"};
inline constexpr Option kForgetYes{"--yes",
                                   "PICORTEX_FORGET_YES",
                                   "",
                                   "false",
                                   "delete without asking on a terminal",
                                   "true or 1, false or 0",
                                   Option::Kind::toggle};

inline constexpr Option kShipTo{
    "--to",
    "PICORTEX_SHIP_TO",
    "URL",
    "",
    "where events are shipped to, as clickhouse+http://HOST:8123/DB, otlp+http://HOST:4318 "
    "or ndjson+http://HOST/PATH, or with https; may be given more than once. Other users can see a "
    "flag, so set a URL with a password in the config file (default: none)",
    "URLs of targets, separated by semicolons",
    Option::Kind::list,
    true};
inline constexpr Option kShipHost{"--host",
                                  "PICORTEX_SHIP_HOST",
                                  "NAME",
                                  "",
                                  "the name of this machine in the fleet (default: its host name)",
                                  "letters, digits, '.', '-', '_' and ':'"};
inline constexpr Option kShipApply{"--apply",
                                   "PICORTEX_SHIP_APPLY",
                                   "",
                                   "false",
                                   "make the table, rather than print the statement that does",
                                   "true or 1, false or 0",
                                   Option::Kind::toggle};

}  // namespace picortex
