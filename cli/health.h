#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/listen_address.h"
#include "cli/settings.h"

namespace picortex {

struct HealthOptions {
  ListenAddress server;  // where a client reaches the daemon
  std::chrono::milliseconds time_limit{5000};
  bool json = false;
};

// The first address of --listen; a wildcard becomes loopback.
Result<ListenAddress> read_server(Settings& settings);

Result<HealthOptions> read_health_options(Settings& settings);

// What /health says, for people: the status on the first line. Whatever `body` holds, what comes
// out does nothing to a terminal. `is_ok` only when the status is "ok".
struct HealthReport {
  bool is_ok = false;
  std::string text;
};
Result<HealthReport> describe_health(std::string_view body, const ListenAddress& server,
                                     bool colored);

// The body itself when it is JSON, with what a terminal would act on escaped.
Result<HealthReport> quote_health(std::string_view body, const ListenAddress& server);

// Asks the daemon and prints its health on stdout. 0 when its status is ok; else 1, with one line
// on stderr when there was no answer that could be read.
int health(const HealthOptions& options);

}  // namespace picortex
