#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

struct HealthOptions {
  ListenAddress server;  // where clients reach the daemon
  std::string data_dir;  // has the token, which asking for reasons needs
  std::chrono::milliseconds time_limit{5000};
  bool json = false;
};

// Returns the first address of --listen, with loopback in place of a wildcard.
Result<ListenAddress> read_server(Settings& settings);

Result<HealthOptions> read_health_options(Settings& settings);

// The answer of /health as text, with the status on the first line. `body` cannot inject terminal
// escape sequences. `is_ok` is true only if the status is "ok".
struct HealthReport {
  bool is_ok = false;
  std::string text;
};
Result<HealthReport> describe_health(std::string_view body, const ListenAddress& server,
                                     bool colored);

// Returns the body itself if it is JSON, with everything escaped that a terminal would act on.
Result<HealthReport> quote_health(std::string_view body, const ListenAddress& server);

// Returns the problems in an answer of /api/status, two lines each: what is wrong, and the command
// that fixes it. Empty if there are none, or if the answer is something else.
std::string describe_problems(std::string_view body);

// Asks the daemon and prints its health on stdout. Returns 0 if its status is ok, else 1; one line
// on stderr says why if there was no readable answer. With a readable token it also prints why the
// daemon is degraded.
int health(const HealthOptions& options);

}  // namespace picortex
