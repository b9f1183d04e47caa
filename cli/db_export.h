#pragma once

#include <string>

#include "storage/query.h"

namespace picortex {

// Writes the events to stdout, a line of JSON each, the oldest first: at least all that were stored
// when it began. The exit status: 0, or 1 with one line on stderr.
int export_events(const std::string& data_dir, const EventFilter& filter);

}  // namespace picortex
