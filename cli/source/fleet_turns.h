#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/source/fleet_table.h"
#include "storage/query/turn_reader.h"

namespace picortex {

// The turns of a fleet's table, which has no turns: finds the requests that they belong to, and adds
// their events up (turn_fold.h). `host`: of that host; empty: of all.
Result<std::vector<Turn>> read_fleet_turns(FleetTable& table, const std::string& host,
                                           const TurnFilter& filter);

}  // namespace picortex
