#pragma once

#include "daemon/config/option.h"

namespace picortex {

// The egress fence of `picortex serve`.

inline constexpr Option kEgressMode{
    .flag = "--egress-mode",
    .variable = "PICORTEX_EGRESS_MODE",
    .placeholder = "MODE",
    .fallback = "off",
    .meaning =
        "off: no fence is touched; learn: allow and record; enforce: deny what is not listed",
    .allowed = "off, learn or enforce",
    .see = "start/fence-in-ten-minutes"};
inline constexpr Option kEgressUser{.flag = "--egress-user",
                                    .variable = "PICORTEX_EGRESS_USER",
                                    .placeholder = "USER",
                                    .fallback = "chat-user",
                                    .meaning = "the user whose egress is fenced",
                                    .allowed = "a user's name or UID"};
inline constexpr Option kEgressAllowlist{
    .flag = "--egress-allowlist",
    .variable = "PICORTEX_EGRESS_ALLOWLIST",
    .placeholder = "FILE",
    .fallback = "/etc/picortex/egress-allowlist.txt",
    .meaning = "the owner's additions to the built-in hosts; a change of the file counts at once",
    .allowed = "the path of a file, at most 4000 bytes",
    .see = "reference/allowlist"};
inline constexpr Option kEgressUpload{
    .flag = "--egress-upload",
    .variable = "PICORTEX_EGRESS_UPLOAD",
    .placeholder = "BUDGET",
    .fallback = "",
    .meaning = "how much may be sent by each rule of the allowlist that has no upload= of its own",
    .allowed =
        "SIZE/TIME such as 20M/1h, SIZE/conn, or both with a comma; SIZE with K, M or G (of "
        "1024), TIME with m, h or d",
    .reload = Option::Reload::at_once,
    .fallback_text = "no limit",
    .example = "20M/1h",
    .see = "reference/allowlist"};
inline constexpr Option kEgressDnsPort{
    .flag = "--egress-dns-port",
    .variable = "PICORTEX_EGRESS_DNS_PORT",
    .placeholder = "PORT",
    .fallback = "8753",
    .meaning = "port of the fence's DNS proxy on 127.0.0.1 and ::1",
    .range = {1, 65'535}};

}  // namespace picortex
