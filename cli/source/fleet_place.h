#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/source/event_source.h"
#include "daemon/config/settings.h"
#include "ship/ship_target.h"

namespace picortex {

// The table that a fleet's events are shipped to, and whose events of it are asked about.
struct FleetPlace {
  ShipTarget table;  // of ClickHouse
  std::string host;  // empty: of all hosts
};

// Reads --from and --host; nothing if --from is not given. Wrong values are errors of `settings`,
// but for the one that is returned.
Result<std::optional<FleetPlace>> read_fleet(Settings& settings);

// Opens the fleet's table if one is given, else the store of this host.
Result<std::unique_ptr<EventSource>> open_source(const std::string& data_dir,
                                                 const std::optional<FleetPlace>& fleet);

}  // namespace picortex
