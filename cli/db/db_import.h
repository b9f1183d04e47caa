#pragma once

#include <cstdint>
#include <string>

namespace picortex {

// Stores the events of an export, or of `logs --json`, in the database of a data directory that no
// daemon uses. Reads stdin if `file` is empty or "-". Skips events that are stored already, so an
// interrupted import can be run again. Keeps events older than `age_max_ms` (0: no limit) for that
// long from now on, so that the daemon does not delete them at once. Prints to stdout how many
// events there were. Returns the exit status: 0; 1 after one line on stderr if a line is wrong, the
// import failed, or Ctrl-C ended it. Events from before that point stay stored.
int import_events(const std::string& data_dir, const std::string& file, std::int64_t age_max_ms);

}  // namespace picortex
