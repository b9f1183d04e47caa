#pragma once

#include "cli/ship/ship.h"

namespace picortex {

// Prints a line for each target that has been shipped to, from its files and the database: whether
// the shipper runs or not.
int show_ship_status(const ShipOptions& options);

}  // namespace picortex
