#pragma once

#include <string>

#include "storage/query/query.h"

namespace picortex {

// Writes the events to stdout, one line of JSON each, oldest first: at least all that were stored
// when it began. Returns the exit status: 0, or 1 after one line on stderr.
int export_events(const std::string& data_dir, const EventFilter& filter);

}  // namespace picortex
