#pragma once

#include "daemon/config/option.h"

namespace picortex {

// Options of `picortex egress` alone.

inline constexpr Option kEgressFor{"--for",
                                   "PICORTEX_EGRESS_FOR",
                                   "TIME",
                                   "",
                                   "the rule ends by itself after this time (default: it stays)",
                                   "a whole number with m, h or d, from 1m to 365d"};

inline constexpr Option kAllowUpload{
    "--upload",
    "PICORTEX_EGRESS_ALLOW_UPLOAD",
    "BUDGET",
    "",
    "how much may be sent by the rule, as its word upload= says; with --for a size alone is for "
    "all of that time",
    "SIZE/TIME such as 20M/1h, SIZE/conn, unlimited, or with --for a SIZE; SIZE with K, M or G (of "
    "1024), TIME with m, h or d"};

inline constexpr Option kAssumeYes{"--yes",
                                   "PICORTEX_EGRESS_YES",
                                   "",
                                   "false",
                                   "add a rule that allows much of the internet without asking",
                                   "true or 1, false or 0",
                                   Option::Kind::toggle};

inline constexpr Option kListGrants{
    "--grants",
    "PICORTEX_EGRESS_GRANTS",
    "",
    "false",
    "show what each host permits besides reading: uploads, publishing, programs that are executed",
    "true or 1, false or 0",
    Option::Kind::toggle};

inline constexpr Option kHostsText{
    "--text",        "PICORTEX_EGRESS_TEXT", "TEXT", "", "only hosts with this text in NAME:PORT",
    "1 to 256 bytes"};

inline constexpr Option kHostsVerdict{
    "--verdict",
    "PICORTEX_EGRESS_VERDICT",
    "VERDICT",
    "any",
    "only hosts whose last attempt was denied, or of which an attempt was allowed",
    "any, denied or allowed"};

inline constexpr Option kEgressLimit{.flag = "--limit",
                                     .variable = "PICORTEX_EGRESS_LIMIT",
                                     .placeholder = "N",
                                     .fallback = "200",
                                     .meaning = "lines that are shown at most",
                                     .range = {1, 4'294'967'295}};

inline constexpr Option kRequestReason{"--reason",
                                       "PICORTEX_EGRESS_REASON",
                                       "TEXT",
                                       "",
                                       "what the host is needed for, as the operator will read it",
                                       "one line of at most 500 bytes"};

inline constexpr Option kTestEdit{
    "--edit",
    "PICORTEX_EGRESS_EDIT",
    "FILE",
    "",
    "judge all recorded attempts again, with this changed allowlist in place of the present one",
    "the path of a file, at most 4000 bytes"};

inline constexpr Option kTestSince{"--since",
                                   "PICORTEX_EGRESS_SINCE",
                                   "TIME",
                                   "7d",
                                   "with --edit: judge the attempts from this time on",
                                   "a time such as 2h, yesterday, 'nov 17' or '2026-11-17 14:00'"};

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

inline constexpr Option kSelftestOracle{
    "--oracle",
    "PICORTEX_SELFTEST_ORACLE",
    "ADDRESS",
    "",
    "a second address of this machine, at which selftest looks for what arrives (default: none; "
    "it looks at the packets that leave)",
    "an IP address"};

}  // namespace picortex
