#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/commands/logs.h"
#include "cli/source/fleet_place.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"
#include "storage/query/stats/error_groups.h"

namespace picortex {

struct ErrorsOptions {
  // What is to be said of one kind of error.
  struct Change {
    std::string id;  // the beginning of it
    ErrorState state = ErrorState::muted;
  };

  std::string data_dir;
  std::optional<FleetPlace> fleet;      // instead of the data directory
  std::optional<ListenAddress> server;  // that takes a change
  EventFilter filter;                   // its request is in `request`
  std::optional<IdPrefix> request;
  std::optional<Change> change;
  std::uint32_t limit = 50;
  bool all = false;
  bool json = false;
};

// Takes times as of now.
Result<ErrorsOptions> read_errors_options(Settings& settings);

// Prints the kinds of errors on stdout, the one seen last first; or, with a change, sends it to the
// daemon and says so. 0; else 1 with one line on stderr.
int errors(const ErrorsOptions& options);

}  // namespace picortex
