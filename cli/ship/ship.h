#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/config/settings.h"
#include "ship/ship_target.h"

namespace picortex {

enum class ShipVerb : std::uint8_t {
  run,     // ship to the targets, until SIGTERM or SIGINT
  init,    // print what makes the targets' tables, or make them
  status,  // say how far each target is
};

struct ShipOptions {
  ShipVerb verb = ShipVerb::run;
  std::string data_dir;
  std::vector<ShipTarget> targets;
  std::string host;  // the name of this machine in the fleet
  bool apply = false;
  bool json = false;
};

Result<ShipOptions> read_ship_options(Settings& settings, ShipVerb verb);

// Returns the exit status: 0, or 1 after one line on stderr.
int ship(const ShipOptions& options);

}  // namespace picortex
