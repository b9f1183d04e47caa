#pragma once

#include "daemon/config/option.h"

namespace picortex {

// Where `picortex serve` listens, which clients it accepts, and how long it waits for them.

inline constexpr Option kListen{
    .flag = "--listen",
    .variable = "PICORTEX_LISTEN",
    .placeholder = "ADDRESS",
    .fallback = "127.0.0.1:8787",
    .meaning = "HTTP address; may be given more than once",
    .allowed = "HOST:PORT, [IPV6]:PORT or unix:/PATH, with an address or localhost as the host",
    .kind = Option::Kind::list,
    .example = "127.0.0.1:8787, unix:/run/picortex/api.sock"};
inline constexpr Option kHosts{
    .flag = "--hosts",
    .variable = "PICORTEX_HOSTS",
    .placeholder = "NAMES",
    .fallback = "",
    .meaning = "public host names of a proxy, accepted as Host and Origin",
    .allowed = "HOST or HOST:PORT, separated by commas",
    .reload = Option::Reload::at_once,
    .fallback_text = "none",
    .example = "logs.example.org",
    .see = "guides/proxy"};
inline constexpr Option kTrustedProxies{
    .flag = "--trusted-proxies",
    .variable = "PICORTEX_TRUSTED_PROXIES",
    .placeholder = "CIDRS",
    .fallback = "",
    .meaning = "networks whose X-Forwarded-For is trusted",
    .allowed = "addresses or networks such as 10.0.0.0/8 or fd00::/8, separated by commas",
    .reload = Option::Reload::at_once,
    .fallback_text = "none",
    .example = "127.0.0.1",
    .see = "guides/proxy"};
inline constexpr Option kPeers{
    .flag = "--peers",
    .variable = "PICORTEX_PEERS",
    .placeholder = "GRANTS",
    .fallback = "",
    .meaning = "scopes that users and groups have over a Unix socket without a token",
    .allowed = "USER:SCOPE or @GROUP:SCOPE, separated by commas; join several scopes with +",
    .kind = Option::Kind::list,
    .reload = Option::Reload::at_once,
    .fallback_text = "only root and the daemon's user, who may do everything",
    .example = "bot:write, @adm:read",
    .see = "security/tokens"};
inline constexpr Option kConnectionsMax{
    .flag = "--connections-max",
    .variable = "PICORTEX_CONNECTIONS_MAX",
    .placeholder = "N",
    .fallback = "16384",
    .meaning =
        "connections held at the same time, as far as the limit of open files allows; "
        "beyond it another connection makes room",
    .range = {16, 100'000},
    .see = "operate/capacity-and-overload"};
inline constexpr Option kIdleTimeoutMs{.flag = "--idle-timeout-ms",
                                       .variable = "PICORTEX_IDLE_TIMEOUT_MS",
                                       .placeholder = "MS",
                                       .fallback = "75000",
                                       .meaning = "how long a connection may be idle",
                                       .range = {100, 3'600'000}};
inline constexpr Option kHeaderTimeoutMs{.flag = "--header-timeout-ms",
                                         .variable = "PICORTEX_HEADER_TIMEOUT_MS",
                                         .placeholder = "MS",
                                         .fallback = "10000",
                                         .meaning = "how long a whole request head may take",
                                         .range = {100, 3'600'000}};
inline constexpr Option kBodyTimeoutMs{.flag = "--body-timeout-ms",
                                       .variable = "PICORTEX_BODY_TIMEOUT_MS",
                                       .placeholder = "MS",
                                       .fallback = "30000",
                                       .meaning = "how long a whole request body may take",
                                       .range = {100, 3'600'000}};
inline constexpr Option kSendTimeoutMs{.flag = "--send-timeout-ms",
                                       .variable = "PICORTEX_SEND_TIMEOUT_MS",
                                       .placeholder = "MS",
                                       .fallback = "30000",
                                       .meaning = "how long a client may take to read its answers",
                                       .range = {100, 3'600'000}};
inline constexpr Option kDrainSeconds{.flag = "--drain-seconds",
                                      .variable = "PICORTEX_DRAIN_SECONDS",
                                      .placeholder = "SECONDS",
                                      .fallback = "10",
                                      .meaning = "how long SIGTERM waits for requests in progress",
                                      .range = {1, 300}};

}  // namespace picortex
