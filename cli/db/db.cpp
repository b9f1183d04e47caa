#include "cli/db/db.h"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/terminal.h"
#include "base/time/durations.h"
#include "cli/commands/logs.h"
#include "cli/db/db_export.h"
#include "cli/db/db_import.h"
#include "daemon/config/data_dir.h"
#include "daemon/config/serve_options.h"
#include "storage/sqlite/maintenance.h"

namespace picortex {
namespace {

int check(const DbOptions& options) {
  const auto problems = check_database(options.data_dir);
  if (!problems) return print_error("db", problems.error().what);
  for (const std::string& problem : *problems) std::printf("%s\n", display(problem).c_str());
  if (!problems->empty()) {
    return print_error(
        "db",
        "the database is damaged: stop the daemon, then picortex db restore BACKUP, or export what "
        "can be read and import it into another data directory");
  }
  std::printf("ok\n");
  return 0;
}

int backup(const DbOptions& options) {
  umask(077);
  if (auto done = back_up_database(options.data_dir, options.file); !done) {
    return print_error("db", done.error().what);
  }
  std::error_code error;
  const auto size = std::filesystem::file_size(options.file, error);
  std::printf("%s: %.1f MB\n", display(options.file).c_str(), static_cast<double>(size) / 1e6);
  return 0;
}

int restore(const DbOptions& options) {
  umask(077);
  const auto lock = claim_data_dir(options.data_dir);
  if (!lock) return print_error("db", lock.error().what);
  if (auto done = restore_database(options.data_dir, options.file); !done) {
    return print_error("db", done.error().what);
  }
  const std::string name = options.data_dir + "/picortex.db";
  std::printf("%s is in place; the previous database is %s\n", display(name).c_str(),
              display(name + ".old").c_str());
  return 0;
}

}  // namespace

Result<DbOptions> read_db_options(Settings& settings, DbVerb verb, std::string file) {
  DbOptions options{
      .verb = verb, .data_dir = read_data_dir(settings), .file = std::move(file), .filter = {}};
  if (verb == DbVerb::export_events) read_times(settings, options.filter, true);
  if (verb == DbVerb::import_events) {
    options.age_max_ms = kDayMs * settings.number(kRetentionDays);
  }
  if (settings.error()) return std::unexpected(*settings.error());
  if (verb == DbVerb::backup && options.file.empty()) return failure("db backup: give a file");
  if (verb == DbVerb::restore && options.file.empty()) return failure("db restore: give a backup");
  return options;
}

int db(const DbOptions& options) {
  switch (options.verb) {
    case DbVerb::check:
      return check(options);
    case DbVerb::backup:
      return backup(options);
    case DbVerb::restore:
      return restore(options);
    case DbVerb::export_events:
      return export_events(options.data_dir, options.filter);
    case DbVerb::import_events:
      break;
  }
  return import_events(options.data_dir, options.file, options.age_max_ms);
}

}  // namespace picortex
