#pragma once

#include <string>

#include "base/result.h"
#include "cli/settings.h"
#include "storage/query.h"

namespace picortex {

enum class DbVerb { check, backup, export_events, import_events };

struct DbOptions {
  DbVerb verb = DbVerb::check;
  std::string data_dir;
  std::string file;    // backup: where to; import: where from
  EventFilter filter;  // export: of which times
};

Result<DbOptions> read_db_options(Settings& settings, DbVerb verb, std::string file);

// `picortex db VERB`, beside the daemon or, for an import, without one. The exit status: 0; 1 when
// it failed, and when `check` found something wrong.
int db(const DbOptions& options);

}  // namespace picortex
