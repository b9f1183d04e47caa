#pragma once

#include "daemon/config/option.h"

namespace picortex {

// What `picortex serve` takes in besides the bot's events.

inline constexpr Option kFrontendLogMaxBytes{.flag = "--frontend-log-max-bytes",
                                             .variable = "FRONTEND_LOG_MAX_BYTES",
                                             .placeholder = "BYTES",
                                             .fallback = "65536",
                                             .meaning = "body limit of /api/frontend-log",
                                             .range = {1, 16'777'216}};
inline constexpr Option kFrontendLogRate{
    .flag = "--frontend-log-rate",
    .variable = "PICORTEX_FRONTEND_LOG_RATE",
    .placeholder = "N",
    .fallback = "30",
    .meaning = "frontend logs a minute for each client address; 0 lifts the limit",
    .range = {0, 1'000'000},
    .reload = Option::Reload::at_once};
inline constexpr Option kLinqSecret{
    .flag = "--linq-secret",
    .variable = "PICORTEX_LINQ_SECRET",
    .placeholder = "SECRET",
    .fallback = "",
    .meaning =
        "the secret that signs Linq's webhooks; without it POST /webhooks/linq is off. Other "
        "users can see a flag, so set it in the config file",
    .allowed = "whsec_ and a key of 16 to 256 bytes in base64",
    .is_secret = true,
    .reload = Option::Reload::while_on,
    .fallback_text = "none",
    .see = "guides/linq"};
inline constexpr Option kSentryIngest{
    .flag = "--sentry-ingest",
    .variable = "PICORTEX_SENTRY_INGEST",
    .placeholder = "",
    .fallback = "false",
    .meaning =
        "accept what Sentry's SDKs send to POST /api/<project>/envelope/, from pages of any "
        "origin",
    .kind = Option::Kind::toggle,
    .see = "guides/sentry"};
inline constexpr Option kSentryRate{
    .flag = "--sentry-rate",
    .variable = "PICORTEX_SENTRY_RATE",
    .placeholder = "N",
    .fallback = "120",
    .meaning = "Sentry envelopes a minute for each client address; 0 lifts the limit",
    .range = {0, 1'000'000},
    .reload = Option::Reload::at_once,
    .see = "guides/sentry"};
inline constexpr Option kTelemetryRate{
    .flag = "--telemetry-rate",
    .variable = "PICORTEX_TELEMETRY_RATE",
    .placeholder = "N",
    .fallback = "20000",
    .meaning =
        "events a minute that all senders with the scope telemetry may store together, of "
        "2 KiB each; 0 lifts the limit",
    .range = {0, 10'000'000},
    .reload = Option::Reload::at_once,
    .see = "security/tokens"};
inline constexpr Option kChatBudget{
    .flag = "--chat-budget",
    .variable = "PICORTEX_CHAT_BUDGET",
    .placeholder = "LIMIT",
    .fallback = "",
    .meaning =
        "block the prompts of a chat whose agent has spent this many US dollars within this "
        "time; a convenience, not a boundary",
    .allowed = "dollars above 0 and a time from 1m to 7d, such as 5/1d or 0.50/1h",
    .reload = Option::Reload::at_once,
    .fallback_text = "no limit",
    .example = "5/1d",
    .see = "guides/claude-code"};

}  // namespace picortex
