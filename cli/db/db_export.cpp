#include "cli/db/db_export.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/terminal.h"
#include "handlers/query/export_line.h"
#include "storage/query/event_reader.h"

namespace picortex {
namespace {

constexpr QueryBudget kSlice{
    .rows_max = 1000, .bytes_max = 4 * 1024 * 1024, .time_max = std::chrono::milliseconds(50)};
constexpr std::size_t kDataSizeMax = 16 * 1024 * 1024;

}  // namespace

int export_events(const std::string& data_dir, const EventFilter& filter) {
  auto reader = EventReader::open(data_dir);
  if (!reader) return print_error("db", reader.error().what);
  EventFilter oldest_first = filter;
  oldest_first.order = EventOrder::oldest_first;
  EventQuery query(**reader, std::move(oldest_first));
  JsonDocument document(kDataSizeMax);
  EventJson json(document);
  std::vector<EventRow> rows;
  std::string out;
  while (!query.is_done()) {
    rows.clear();
    out.clear();
    if (auto done = query.run(rows, kSlice); !done) return print_error("db", done.error().what);
    for (const EventRow& row : rows) append_export_line(out, json, row);
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size()) break;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return print_error("db", std::string("cannot write to stdout: ") + std::strerror(errno));
  }
  return 0;
}

}  // namespace picortex
