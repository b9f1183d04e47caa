#pragma once

#include "daemon/config/option.h"

namespace picortex {

// Options of the commands that answer from the database: logs, why, turns, stats, chats, errors.

inline constexpr Option kFromUrl{
    "--from",
    "PICORTEX_FROM",
    "URL",
    "",
    "ask the table that a fleet ships to, as clickhouse+http://HOST:8123/DB or with https "
    "(?table=NAME if it has another name). Other users can see a flag, so set a URL with a "
    "password in the config file "
    "(default: this host's database)",
    "the URL of a table in ClickHouse"};

inline constexpr Option kFromHost{"--host",
                                  "PICORTEX_FROM_HOST",
                                  "NAME",
                                  "",
                                  "with --from: only what this host has shipped (default: all "
                                  "hosts)",
                                  "letters, digits, '.', '-', '_' and ':'"};

inline constexpr Option kTurnsSort{"--sort",
                                   "PICORTEX_TURNS_SORT",
                                   "ORDER",
                                   "start",
                                   "what the first turn has most of",
                                   "start, cost, duration, tokens, errors or upload"};

inline constexpr Option kTurnsLimit{.flag = "--limit",
                                    .variable = "PICORTEX_TURNS_LIMIT",
                                    .placeholder = "N",
                                    .fallback = "50",
                                    .meaning = "turns that are shown at most",
                                    .range = {1, 4'294'967'295}};

inline constexpr Option kFilterChat{"--chat",
                                    "PICORTEX_LOGS_CHAT",
                                    "ID",
                                    "",
                                    "only what happened in this chat; a * at the end takes all "
                                    "that begin so, and * any chat",
                                    "1 to 256 bytes of UTF-8 text, a * at its end only"};

inline constexpr Option kFilterRequest{"--request",
                                       "PICORTEX_LOGS_REQUEST",
                                       "ID",
                                       "",
                                       "only what this request caused",
                                       "a request's UUID, or its beginning as logs prints it"};

inline constexpr Option kFilterType{
    "--type",
    "PICORTEX_LOGS_TYPE",
    "TYPE",
    "",
    "only events of this type; a * at the end matches any ending",
    "an event type such as linq.inbound, or its beginning and a * at the end as in 'linq.*'"};

inline constexpr Option kFilterLevel{
    "--level", "PICORTEX_LOGS_LEVEL",  "LEVEL",
    "trace",   "this level and above", "trace, debug, info, warn, error or fatal"};

inline constexpr Option kFilterSince{
    "--since",
    "PICORTEX_LOGS_SINCE",
    "TIME",
    "",
    "from this time on; a day, week or month alone means all of it: 2h, yesterday, 'monday 9am', "
    "'nov 17', 'last week', '2026-11-17 14:00'",
    "a time such as 2h, 1h30m, 9am, yesterday, 'last tuesday', 'nov 17', 'this week', 2026-11-17, "
    "'2026-11-17 14:00' or 1763388192"};

inline constexpr Option kFilterUntil{
    "--until",
    "PICORTEX_LOGS_UNTIL",
    "TIME",
    "",
    "before this time; a day means up to its end",
    "a time such as 2h, 1h30m, 9am, yesterday, 'last tuesday', 'nov 17', 'this week', 2026-11-17, "
    "'2026-11-17 14:00' or 1763388192"};

inline constexpr Option kFilterText{"--text",
                                    "PICORTEX_LOGS_TEXT",
                                    "TEXT",
                                    "",
                                    "only events with this text in their message or data",
                                    "1 to 1000 bytes"};

inline constexpr Option kFilterWhere{
    "--where",
    "PICORTEX_LOGS_WHERE",
    "CONDITION",
    "",
    "only events of which it is true: decision=skip, 'duration_ms>60000', rule~small, !type=log; "
    "may be given more than once",
    "a name, one of = != > >= < <= ~ !~, and a value",
    Option::Kind::list};

inline constexpr Option kStatsBy{"--by",
                                 "PICORTEX_STATS_BY",
                                 "NAME",
                                 "",
                                 "a line for each hour, day, type, level, chat, or value of a "
                                 "field; may be given up to four times (default: one line)",
                                 "hour, day, type, level, chat or a field's name, at most four",
                                 Option::Kind::list};

inline constexpr Option kStatsCount{"--count",
                                    "PICORTEX_STATS_COUNT",
                                    "",
                                    "false",
                                    "how many events there are, which is shown in any case",
                                    "true or 1, false or 0",
                                    Option::Kind::toggle};

inline constexpr Option kStatsSum{"--sum",
                                  "PICORTEX_STATS_SUM",
                                  "FIELD",
                                  "",
                                  "the sum of a field's numbers",
                                  "names of fields, at most eight numbers in all",
                                  Option::Kind::list};

inline constexpr Option kStatsMax{"--max",
                                  "PICORTEX_STATS_MAX",
                                  "FIELD",
                                  "",
                                  "the largest of a field's numbers",
                                  "names of fields, at most eight numbers in all",
                                  Option::Kind::list};

inline constexpr Option kStatsP50{"--p50",
                                  "PICORTEX_STATS_P50",
                                  "FIELD",
                                  "",
                                  "the median of a field's numbers",
                                  "names of fields, at most eight numbers in all",
                                  Option::Kind::list};

inline constexpr Option kStatsP95{"--p95",
                                  "PICORTEX_STATS_P95",
                                  "FIELD",
                                  "",
                                  "the number that 95 of 100 of a field's numbers do not exceed",
                                  "names of fields, at most eight numbers in all",
                                  Option::Kind::list};

inline constexpr Option kChart{"--chart",
                               "PICORTEX_LOGS_CHART",
                               "",
                               "false",
                               "draw the numbers of events as bars",
                               "true or 1, false or 0",
                               Option::Kind::toggle};

inline constexpr Option kAnswerLimit{.flag = "--limit",
                                     .variable = "PICORTEX_ANSWER_LIMIT",
                                     .placeholder = "N",
                                     .fallback = "50",
                                     .meaning = "lines that are shown at most",
                                     .range = {1, 4'294'967'295}};

inline constexpr Option kErrorsAll{"--all",
                                   "PICORTEX_ERRORS_ALL",
                                   "",
                                   "false",
                                   "show those that are muted or resolved too",
                                   "true or 1, false or 0",
                                   Option::Kind::toggle};

inline constexpr Option kErrorsMute{"--mute",
                                    "PICORTEX_ERRORS_MUTE",
                                    "ID",
                                    "",
                                    "show this kind of error no more",
                                    "the ID of a kind of error as errors prints it, or its first 4 "
                                    "digits or more"};

inline constexpr Option kErrorsResolve{"--resolve",
                                       "PICORTEX_ERRORS_RESOLVE",
                                       "ID",
                                       "",
                                       "show this kind of error no more until it comes again",
                                       "the ID of a kind of error as errors prints it, or its "
                                       "first 4 digits or more"};

inline constexpr Option kErrorsOpen{"--open",
                                    "PICORTEX_ERRORS_OPEN",
                                    "ID",
                                    "",
                                    "show this kind of error again",
                                    "the ID of a kind of error as errors prints it, or its first 4 "
                                    "digits or more"};

inline constexpr Option kLogsLimit{.flag = "--limit",
                                   .variable = "PICORTEX_LOGS_LIMIT",
                                   .placeholder = "N",
                                   .fallback = "",
                                   .meaning = "the newest N events",
                                   .range = {1, 4'294'967'295},
                                   .fallback_text = "1000; with --follow or --around 20"};

inline constexpr Option kLogsAround{"--around",
                                    "PICORTEX_LOGS_AROUND",
                                    "ID",
                                    "",
                                    "the events before and after this one; a request's first, or "
                                    "the first at a time",
                                    "an event's or a request's UUID, its beginning as logs prints "
                                    "it, or a time such as '2026-11-17 14:03:12.123'"};

inline constexpr Option kLogsIds{"--ids",
                                 "PICORTEX_LOGS_IDS",
                                 "",
                                 "false",
                                 "end each line with the event's short ID, for --around",
                                 "true or 1, false or 0",
                                 Option::Kind::toggle};

inline constexpr Option kLogsFollow{"--follow",
                                    "PICORTEX_LOGS_FOLLOW",
                                    "",
                                    "false",
                                    "then wait for new events, and print them",
                                    "true or 1, false or 0",
                                    Option::Kind::toggle};

inline constexpr Option kAnswerJson{"--json",
                                    "PICORTEX_LOGS_JSON",
                                    "",
                                    "false",
                                    "print JSON on one line each",
                                    "true or 1, false or 0",
                                    Option::Kind::toggle};

inline constexpr Option kAnswerUtc{"--utc",
                                   "PICORTEX_LOGS_UTC",
                                   "",
                                   "false",
                                   "take and show times in UTC rather than in the local zone",
                                   "true or 1, false or 0",
                                   Option::Kind::toggle};

inline constexpr Option kWhyId{
    "ID",
    "PICORTEX_WHY_ID",
    "",
    "",
    "an event's or a request's",
    "the UUID of an event or of a request, or the beginning of a request's"};

inline constexpr Option kWhyLast{"--last",
                                 "PICORTEX_WHY_LAST",
                                 "",
                                 "false",
                                 "the last message, of the chat when one is given",
                                 "true or 1, false or 0",
                                 Option::Kind::toggle};

}  // namespace picortex
