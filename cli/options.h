#pragma once

#include <array>
#include <string_view>

namespace picortex {

// One option as people meet it: a flag, an environment variable and a line of the config file,
// which bear the variable's name. The help, the refusal of a wrong value and the default all come
// from here.
struct Option {
  enum class Kind { single, list, toggle };  // a list is comma-separated, or its flag repeated

  std::string_view flag;
  std::string_view variable;
  std::string_view placeholder;  // what the help calls the value; empty for a toggle
  std::string_view fallback;     // read when nothing is given; empty: none
  std::string_view meaning;
  std::string_view allowed;  // completes "… is not allowed: give "
  Kind kind = Kind::single;
  bool is_secret = false;  // no message shows its value
};

inline constexpr Option kConfig{"--config",
                                "PICORTEX_CONFIG",
                                "FILE",
                                "/etc/picortex/picortex.conf",
                                "file of NAME=value lines, read when it exists",
                                "the path of a readable file"};

inline constexpr Option kListen{
    "--listen",
    "PICORTEX_LISTEN",
    "ADDRESS",
    "127.0.0.1:8787",
    "HTTP address; may be given more than once",
    "HOST:PORT, [IPV6]:PORT or unix:/PATH, with an address or localhost as the host",
    Option::Kind::list};
inline constexpr Option kDataDir{
    "--data-dir",
    "PICORTEX_DATA_DIR",
    "DIR",
    "",
    "the database and the token file live here (default: $STATE_DIRECTORY, else ./var)",
    "the path of a directory, at most 4000 bytes"};
inline constexpr Option kLogLevel{"--log-level",
                                  "LOG_LEVEL",
                                  "LEVEL",
                                  "info",
                                  "least level that is logged",
                                  "trace, debug, info, warn, error or fatal"};
inline constexpr Option kLogFormat{"--log-format",
                                   "PICORTEX_LOG_FORMAT",
                                   "FORMAT",
                                   "auto",
                                   "json, pretty, or auto: pretty on a terminal, else json",
                                   "auto, json or pretty"};
inline constexpr Option kLogLevelFormat{
    "--log-level-format",
    "PICORTEX_LOG_LEVEL_FORMAT",
    "FORMAT",
    "label",
    "how JSON lines write the level; number is what pino-pretty's --minimumLevel needs",
    "label or number"};
inline constexpr Option kFrontendLogMaxBytes{
    "--frontend-log-max-bytes",        "FRONTEND_LOG_MAX_BYTES",           "BYTES", "65536",
    "body limit of /api/frontend-log", "a whole number from 1 to 16777216"};
inline constexpr Option kFrontendLogRate{
    "--frontend-log-rate",
    "PICORTEX_FRONTEND_LOG_RATE",
    "N",
    "30",
    "frontend logs a minute for each client address; 0 lifts the limit",
    "a whole number from 0 to 1000000"};
inline constexpr Option kHosts{
    "--hosts",
    "PICORTEX_HOSTS",
    "NAMES",
    "",
    "names under which a proxy serves it, accepted as Host and Origin (default: none)",
    "HOST or HOST:PORT, separated by commas"};
inline constexpr Option kLinqSecret{"--linq-secret",
                                    "PICORTEX_LINQ_SECRET",
                                    "SECRET",
                                    "",
                                    "what Linq signs its webhooks with; without it POST "
                                    "/webhooks/linq is off. As a flag other users "
                                    "can see it: better a line of the config file (default: none)",
                                    "whsec_ and a key of 16 to 256 bytes in base64",
                                    Option::Kind::single,
                                    true};
inline constexpr Option kSentryIngest{
    "--sentry-ingest",
    "PICORTEX_SENTRY_INGEST",
    "",
    "false",
    "take what Sentry's SDKs send to POST /api/<project>/envelope/, from pages of any origin",
    "true or 1, false or 0",
    Option::Kind::toggle};
inline constexpr Option kSentryRate{
    "--sentry-rate",
    "PICORTEX_SENTRY_RATE",
    "N",
    "120",
    "Sentry envelopes a minute for each client address; 0 lifts the limit",
    "a whole number from 0 to 1000000"};
inline constexpr Option kDurability{"--durability",
                                    "PICORTEX_DURABILITY",
                                    "WHAT",
                                    "power",
                                    "what 2xx means: power: fsynced; process: survives the process",
                                    "power or process"};
inline constexpr Option kRetentionDays{"--retention-days",
                                       "PICORTEX_RETENTION_DAYS",
                                       "DAYS",
                                       "90",
                                       "events older than this are deleted; 0: none is",
                                       "a whole number from 0 to 36500"};
inline constexpr Option kMaxDbBytes{
    "--max-db-bytes",
    "PICORTEX_MAX_DB_BYTES",
    "SIZE",
    "0",
    "what the database may take of the disk; the oldest events make room; 0: no limit",
    "0, or bytes from 64M on, such as 500M or 10G"};
inline constexpr Option kMinFreeBytes{
    "--min-free-bytes",
    "PICORTEX_MIN_FREE_BYTES",
    "SIZE",
    "256M",
    "with less free on the disk, who sends events gets 503; 0: never",
    "a whole number of bytes, or such as 500M or 10G"};
inline constexpr Option kTrustedProxies{
    "--trusted-proxies",
    "PICORTEX_TRUSTED_PROXIES",
    "CIDRS",
    "",
    "networks whose X-Forwarded-For is believed (default: none)",
    "addresses or networks such as 10.0.0.0/8 or fd00::/8, separated by commas"};
inline constexpr Option kTmuxSocket{
    "--tmux-socket",
    "PICORTEX_TMUX_SOCKET",
    "PATH",
    "",
    "socket of the tmux server that tmux_ok asks (default: tmux's own)",
    "an absolute path of at most 107 bytes"};
inline constexpr Option kDrainSeconds{"--drain-seconds",
                                      "PICORTEX_DRAIN_SECONDS",
                                      "SECONDS",
                                      "10",
                                      "how long SIGTERM waits for requests in hand",
                                      "a whole number from 1 to 300"};
inline constexpr Option kConnectionsMax{"--connections-max",
                                        "PICORTEX_CONNECTIONS_MAX",
                                        "N",
                                        "16384",
                                        "connections held at the same time",
                                        "a whole number from 16 to 100000"};

inline constexpr Option kIdleTimeoutMs{"--idle-timeout-ms",
                                       "PICORTEX_IDLE_TIMEOUT_MS",
                                       "MS",
                                       "75000",
                                       "how long a connection may be idle",
                                       "a whole number from 100 to 3600000"};
inline constexpr Option kHeaderTimeoutMs{"--header-timeout-ms",
                                         "PICORTEX_HEADER_TIMEOUT_MS",
                                         "MS",
                                         "10000",
                                         "how long a whole request head may take",
                                         "a whole number from 100 to 3600000"};
inline constexpr Option kBodyTimeoutMs{"--body-timeout-ms",
                                       "PICORTEX_BODY_TIMEOUT_MS",
                                       "MS",
                                       "30000",
                                       "how long a whole request body may take",
                                       "a whole number from 100 to 3600000"};
inline constexpr Option kSendTimeoutMs{"--send-timeout-ms",
                                       "PICORTEX_SEND_TIMEOUT_MS",
                                       "MS",
                                       "30000",
                                       "how long a client may take to read its answers",
                                       "a whole number from 100 to 3600000"};

inline constexpr Option kEgressMode{
    "--egress-mode",
    "PICORTEX_EGRESS_MODE",
    "MODE",
    "off",
    "off: no fence is touched; learn: allow and record; enforce: refuse what is not listed",
    "off, learn or enforce"};
inline constexpr Option kEgressUser{"--egress-user",
                                    "PICORTEX_EGRESS_USER",
                                    "USER",
                                    "chat-user",
                                    "the user whose egress is fenced",
                                    "a user's name or UID"};
inline constexpr Option kEgressAllowlist{"--egress-allowlist",
                                         "PICORTEX_EGRESS_ALLOWLIST",
                                         "FILE",
                                         "/etc/picortex/egress-allowlist.txt",
                                         "the owner's additions to the built-in hosts",
                                         "the path of a file, at most 4000 bytes"};
inline constexpr Option kEgressDnsPort{"--egress-dns-port",
                                       "PICORTEX_EGRESS_DNS_PORT",
                                       "PORT",
                                       "8753",
                                       "port of the fence's DNS proxy on 127.0.0.1 and ::1",
                                       "a whole number from 1 to 65535"};

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
                                    "print the answer as it came",
                                    "true or 1, false or 0",
                                    Option::Kind::toggle};

inline constexpr Option kChat{"--chat",
                              "PICORTEX_CHAT_ID",
                              "ID",
                              "",
                              "the chat that the command works for (default: none)",
                              "1 to 256 bytes of UTF-8 text"};
inline constexpr Option kLogEvents{
    "--log-events",
    "PICORTEX_RUN_LOG_EVENTS",
    "WHEN",
    "auto",
    "write child.start and child.exit to stderr; auto: unless that is a terminal",
    "always, never or auto"};

inline constexpr Option kFilterChat{"--chat",
                                    "PICORTEX_LOGS_CHAT",
                                    "ID",
                                    "",
                                    "only what happened in this chat",
                                    "1 to 256 bytes of UTF-8 text"};
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
    "only events of this type; a * at the end takes all that begin so",
    "an event type such as linq.inbound or 'linq.*'"};
inline constexpr Option kFilterLevel{
    "--level", "PICORTEX_LOGS_LEVEL",  "LEVEL",
    "trace",   "this level and above", "trace, debug, info, warn, error or fatal"};
inline constexpr Option kFilterSince{
    "--since",
    "PICORTEX_LOGS_SINCE",
    "TIME",
    "",
    "from then on; of a day alone, the whole day: 2h, yesterday, 'last tuesday', '2026-11-17 "
    "14:00'",
    "a time such as 2h, 14:00, yesterday, 'last tuesday', 2026-11-17 or '2026-11-17 14:00'"};
inline constexpr Option kFilterUntil{
    "--until",
    "PICORTEX_LOGS_UNTIL",
    "TIME",
    "",
    "before then; of a day, to its end",
    "a time such as 2h, 14:00, yesterday, 'last tuesday', 2026-11-17 or '2026-11-17 14:00'"};
inline constexpr Option kFilterText{"--text",
                                    "PICORTEX_LOGS_TEXT",
                                    "TEXT",
                                    "",
                                    "only events with this text in their message or data",
                                    "1 to 1000 bytes"};
inline constexpr Option kLogsLimit{
    "--limit",
    "PICORTEX_LOGS_LIMIT",
    "N",
    "",
    "the newest N events (default: 1000; with --follow or --around 20)",
    "a whole number from 1 to 100000"};
inline constexpr Option kLogsAround{"--around",
                                    "PICORTEX_LOGS_AROUND",
                                    "ID",
                                    "",
                                    "the events before and after this one",
                                    "the UUID of an event or of a request"};
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

inline constexpr Option kAlertOn{
    "--alert-on",
    "PICORTEX_ALERT_ON",
    "RULE",
    "",
    "what to be told of besides new hosts; may be given more than once (default: nothing)",
    "rules such as 'level=error rate>10/5m' or 'event_type=linq.* silent>1h cooldown=1d', "
    "separated by commas",
    Option::Kind::list};
inline constexpr Option kAlertCommand{
    "--alert-command",
    "PICORTEX_ALERT_COMMAND",
    "PROGRAM",
    "",
    "program started once for each alert; the alert as JSON on stdin (default: none)",
    "the path or the name of a program, at most 4000 bytes"};
inline constexpr Option kEgressFor{"--for",
                                   "PICORTEX_EGRESS_FOR",
                                   "TIME",
                                   "",
                                   "the rule ends by itself after this time (default: it stays)",
                                   "a whole number with m, h or d, from 1m to 365d"};
inline constexpr Option kSelftestTarget{
    "--target",
    "PICORTEX_SELFTEST_TARGET",
    "ADDRESSES",
    "1.1.1.1,2606:4700:4700::1111",
    "addresses that answer on ports 443, 80, 53 and 853, and that no rule permits",
    "IP addresses, separated by commas",
    Option::Kind::list};
inline constexpr Option kSelftestAllowed{
    "--allowed-host", "PICORTEX_SELFTEST_ALLOWED_HOST",       "HOST",
    "github.com",     "a host that is permitted on port 443", "a host's name"};
inline constexpr Option kSelftestForbidden{"--forbidden-host",
                                           "PICORTEX_SELFTEST_FORBIDDEN_HOST",
                                           "HOST",
                                           "example.com",
                                           "a host that is there, and that no rule permits",
                                           "a host's name"};
inline constexpr Option kSelftestOpenDomain{
    "--open-domain",
    "PICORTEX_SELFTEST_OPEN_DOMAIN",
    "DOMAIN",
    "1.1.1.1.nip.io",
    "a domain that resolves every name below it, and that no rule permits",
    "a domain's name"};
inline constexpr Option kSelftestAllowedHttp{
    "--allowed-http-host",
    "PICORTEX_SELFTEST_ALLOWED_HTTP_HOST",
    "HOST",
    "",
    "a host that is permitted on port 80 (default: none, and HTTP is left out)",
    "a host's name"};

inline constexpr std::array<const Option*, 29> kServeOptions{
    &kListen,          &kDataDir,         &kLogLevel,
    &kLogFormat,       &kLogLevelFormat,  &kFrontendLogMaxBytes,
    &kFrontendLogRate, &kHosts,           &kDurability,
    &kRetentionDays,   &kMaxDbBytes,      &kMinFreeBytes,
    &kTrustedProxies,  &kTmuxSocket,      &kDrainSeconds,
    &kConnectionsMax,  &kIdleTimeoutMs,   &kHeaderTimeoutMs,
    &kBodyTimeoutMs,   &kSendTimeoutMs,   &kEgressMode,
    &kEgressUser,      &kEgressAllowlist, &kEgressDnsPort,
    &kAlertCommand,    &kAlertOn,         &kLinqSecret,
    &kSentryIngest,    &kSentryRate};
inline constexpr std::array<const Option*, 4> kEgressRulesOptions{&kEgressMode, &kEgressUser,
                                                                  &kListen, &kEgressDnsPort};
inline constexpr std::array<const Option*, 3> kHealthOptions{&kListen, &kHealthTimeout,
                                                             &kHealthJson};
inline constexpr std::array<const Option*, 4> kRunOptions{&kChat, &kDataDir, &kListen, &kLogEvents};
inline constexpr std::array<const Option*, 13> kLogsOptions{
    &kDataDir,     &kFilterChat,  &kFilterRequest, &kFilterType, &kFilterLevel,
    &kFilterSince, &kFilterUntil, &kFilterText,    &kLogsLimit,  &kLogsAround,
    &kLogsFollow,  &kAnswerJson,  &kAnswerUtc};
inline constexpr std::array<const Option*, 6> kWhyOptions{&kWhyId,   &kDataDir,    &kFilterChat,
                                                          &kWhyLast, &kAnswerJson, &kAnswerUtc};

inline constexpr std::array<const Option*, 1> kDbOptions{&kDataDir};
inline constexpr std::array<const Option*, 3> kDbExportOptions{&kDataDir, &kFilterSince,
                                                               &kFilterUntil};

inline constexpr std::array<const Option*, 3> kEgressAllowOptions{&kEgressFor, &kEgressAllowlist,
                                                                  &kDataDir};
inline constexpr std::array<const Option*, 2> kEgressFileOptions{&kEgressAllowlist, &kDataDir};
inline constexpr std::array<const Option*, 3> kEgressListOptions{&kEgressAllowlist, &kDataDir,
                                                                 &kListen};
inline constexpr std::array<const Option*, 1> kEgressHostsOptions{&kDataDir};
inline constexpr std::array<const Option*, 6> kEgressSelftestOptions{
    &kEgressUser,        &kSelftestTarget,     &kSelftestAllowed,
    &kSelftestForbidden, &kSelftestOpenDomain, &kSelftestAllowedHttp};

// True for a variable that a config file may set: one file serves every subcommand.
bool is_config_variable(std::string_view name) noexcept;

}  // namespace picortex
