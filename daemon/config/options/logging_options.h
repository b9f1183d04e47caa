#pragma once

#include "daemon/config/option.h"

namespace picortex {

// The log lines of `picortex serve`.

inline constexpr Option kLogLevel{.flag = "--log-level",
                                  .variable = "LOG_LEVEL",
                                  .placeholder = "LEVEL",
                                  .fallback = "info",
                                  .meaning = "lowest level that is logged",
                                  .allowed = "trace, debug, info, warn, error or fatal",
                                  .reload = Option::Reload::at_once};
inline constexpr Option kLogFormat{
    .flag = "--log-format",
    .variable = "PICORTEX_LOG_FORMAT",
    .placeholder = "FORMAT",
    .fallback = "auto",
    .meaning = "json, pretty, or auto: pretty on a terminal, else json",
    .allowed = "auto, json or pretty",
    .reload = Option::Reload::at_once};
inline constexpr Option kLogLevelFormat{
    .flag = "--log-level-format",
    .variable = "PICORTEX_LOG_LEVEL_FORMAT",
    .placeholder = "FORMAT",
    .fallback = "label",
    .meaning =
        "how JSON lines write the level: number writes 30 instead of \"info\", which "
        "pino-pretty's --minimumLevel needs",
    .allowed = "label or number",
    .reload = Option::Reload::at_once};

}  // namespace picortex
