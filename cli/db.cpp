#include "cli/db.h"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "cli/db_export.h"
#include "cli/db_import.h"
#include "cli/display.h"
#include "cli/logs.h"
#include "cli/serve_options.h"
#include "storage/maintenance.h"

namespace picortex {
namespace {

int print_error(std::string_view what) {
  std::fprintf(stderr, "picortex: db: %.*s\n", static_cast<int>(what.size()), what.data());
  return 1;
}

int check(const DbOptions& options) {
  const auto problems = check_database(options.data_dir);
  if (!problems) return print_error(problems.error().what);
  for (const std::string& problem : *problems) std::printf("%s\n", display(problem).c_str());
  if (!problems->empty()) {
    return print_error(
        "the database is damaged: put a backup in its place while the daemon is down");
  }
  std::printf("ok\n");
  return 0;
}

int backup(const DbOptions& options) {
  umask(077);
  if (auto done = back_up_database(options.data_dir, options.file); !done) {
    return print_error(done.error().what);
  }
  std::error_code error;
  const auto size = std::filesystem::file_size(options.file, error);
  std::printf("%s: %.1f MB\n", display(options.file).c_str(), static_cast<double>(size) / 1e6);
  return 0;
}

}  // namespace

Result<DbOptions> read_db_options(Settings& settings, DbVerb verb, std::string file) {
  DbOptions options{
      .verb = verb, .data_dir = read_data_dir(settings), .file = std::move(file), .filter = {}};
  if (verb == DbVerb::export_events) read_times(settings, options.filter, true);
  if (settings.error()) return std::unexpected(*settings.error());
  if (verb == DbVerb::backup && options.file.empty()) return failure("db backup: give a file");
  return options;
}

int db(const DbOptions& options) {
  switch (options.verb) {
    case DbVerb::check:
      return check(options);
    case DbVerb::backup:
      return backup(options);
    case DbVerb::export_events:
      return export_events(options.data_dir, options.filter);
    case DbVerb::import_events:
      break;
  }
  return import_events(options.data_dir, options.file);
}

}  // namespace picortex
