#pragma once

#include <string>

namespace picortex {

// Stores the events of an export, in the database of a data directory that no daemon uses. `file`:
// empty or "-" for stdin. Events that are there already are passed over, so an import that broke
// off can be run again. Says on stdout how many there were. The exit status: 0; 1 with one line on
// stderr when a line is wrong, when it failed, and when Ctrl-C ended it: what came before stays.
int import_events(const std::string& data_dir, const std::string& file);

}  // namespace picortex
