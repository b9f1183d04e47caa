#pragma once

#include <string>

#include "base/result.h"
#include "daemon/config/settings.h"
#include "storage/query/query.h"

namespace picortex {

enum class DbVerb { check, backup, restore, export_events, import_events };

struct DbOptions {
  DbVerb verb = DbVerb::check;
  std::string data_dir;
  std::string file;             // backup: where to; restore, import: where from
  EventFilter filter;           // export: of which times
  std::int64_t age_max_ms = 0;  // import: of the events that the daemon keeps; 0: of all
};

Result<DbOptions> read_db_options(Settings& settings, DbVerb verb, std::string file);

// Runs `picortex db VERB`. Restore and import need the daemon stopped; the other verbs do not.
// Returns the exit status: 0; 1 if it failed or if `check` found a defect.
int db(const DbOptions& options);

}  // namespace picortex
