#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands/logs.h"
#include "cli/source/fleet_place.h"
#include "daemon/config/settings.h"
#include "storage/query/stats/stats_query.h"

namespace picortex {

struct StatsOptions {
  std::string data_dir;
  std::optional<FleetPlace> fleet;  // instead of the data directory
  EventFilter filter;               // its request is in `request`
  std::optional<IdPrefix> request;
  std::vector<StatsDimension> by;
  std::vector<StatsAggregate> aggregates;
  std::uint32_t limit = 50;  // lines
  bool chart = false;
  bool json = false;
};

// Takes times as of now.
Result<StatsOptions> read_stats_options(Settings& settings);

// Prints how many events there are, and what is made of their fields, on stdout: 0; else 1 with one
// line on stderr.
int stats(const StatsOptions& options);

}  // namespace picortex
