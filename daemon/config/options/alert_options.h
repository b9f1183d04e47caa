#pragma once

#include "daemon/config/option.h"

namespace picortex {

// What `picortex serve` watches, and how it alerts the operator.

inline constexpr Option kAlertCommand{
    .flag = "--alert-command",
    .variable = "PICORTEX_ALERT_COMMAND",
    .placeholder = "PROGRAM",
    .fallback = "",
    .meaning = "program that is started once for each alert, which it gets as JSON on stdin",
    .allowed = "the path or the name of a program, at most 4000 bytes",
    .reload = Option::Reload::at_once,
    .fallback_text = "none",
    .example = "/usr/local/bin/alert",
    .see = "guides/alerts"};
inline constexpr Option kAlertOn{
    .flag = "--alert-on",
    .variable = "PICORTEX_ALERT_ON",
    .placeholder = "RULE",
    .fallback = "",
    .meaning = "rules for alerts in addition to new hosts; may be given more than once",
    .allowed =
        "rules such as 'level=error rate>10/5m' or 'event_type=linq.* silent>1h "
        "cooldown=1d', separated by commas",
    .kind = Option::Kind::list,
    .reload = Option::Reload::at_once,
    .fallback_text = "none",
    .example = "level=error rate>10/5m",
    .see = "guides/alerts"};
inline constexpr Option kTmuxSocket{
    .flag = "--tmux-socket",
    .variable = "PICORTEX_TMUX_SOCKET",
    .placeholder = "PATH",
    .fallback = "",
    .meaning =
        "socket of the tmux server that tmux_ok asks; none: there is no tmux, and tmux_ok is "
        "true",
    .allowed = "none, or an absolute path of at most 107 bytes",
    .reload = Option::Reload::at_once,
    .fallback_text = "tmux's own",
    .example = "/run/bot/tmux",
    .see = "operate/systemd"};

}  // namespace picortex
