#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/source/fleet_place.h"
#include "daemon/config/settings.h"
#include "storage/query/turn_reader.h"

namespace picortex {

struct TurnsOptions {
  std::string data_dir;
  std::optional<FleetPlace> fleet;  // instead of the data directory
  TurnFilter filter;
  bool json = false;
};

Result<TurnsOptions> read_turns_options(Settings& settings);

// The turns as a table for people: times in the local zone, what is not known as "unknown".
// Whatever the texts hold, nothing acts on a terminal.
std::string render_turns(const std::vector<Turn>& turns);

// One turn in a few lines, for the head of its story.
std::string render_turn(const Turn& turn);

// How the client's own metric of cost compares with the sums of its model calls, in one line.
std::string render_cost_check(const CostCheck& check);

// Prints the turns on stdout: 0; else 1 with one line on stderr.
int turns(const TurnsOptions& options);

}  // namespace picortex
