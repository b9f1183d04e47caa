#include "handlers/pipeline/log_watch.h"

#include <unistd.h>

#include <string>
#include <utility>

namespace picortex {
namespace {

std::string mebibytes(std::int64_t size) { return std::to_string(size >> 20) + " MiB"; }

std::string named(const std::vector<LogReader>& readers) {
  std::string names;
  for (const LogReader& reader : readers) {
    names += names.empty() ? "" : ", ";
    names += reader.pid > 0 ? "PID " + std::to_string(reader.pid) : "in another PID namespace";
    if (reader.pid == getpid()) {
      names += " (picortex itself)";
    } else if (!reader.name.empty()) {
      names += " (" + reader.name + ")";
    }
  }
  return names.empty() ? "that cannot be found" : names;
}

}  // namespace

LogWatch::Level LogWatch::level_of(std::int64_t size) const noexcept {
  if (size_max_ > 0 && size >= limit_of(size_max_)) return Level::full;
  if (size >= kTooLongMin) return Level::too_long;
  return size >= kHeldMin ? Level::held : Level::none;
}

void LogWatch::note_size(std::int64_t size) {
  size_ = size;
  const Level before = std::exchange(level_, level_of(size));
  if (level_ >= Level::too_long && before < Level::too_long) {
    log_.line(picortex::Level::warn, "db.log_too_long")
        .number("bytes", size)
        .message(
            "queries are rejected until the reader of the database has ended: its log has"
            " grown to " +
            mebibytes(size));
  }
  if (level_ == Level::full && before != Level::full) {
    log_.line(picortex::Level::error, "db.log_full")
        .number("bytes", size)
        .message(
            "events are rejected until the reader of the database has ended: its log has"
            " grown to " +
            mebibytes(size));
  }
  if (level_ != Level::none || size_reported_ == 0) return;
  size_reported_ = 0;
  log_.line(picortex::Level::info, "db.log_released")
      .message("the reader of the database has ended; its log is short again");
}

void LogWatch::note_readers(const std::vector<LogReader>& readers) {
  if (level_ == Level::none || size_ < 2 * size_reported_) return;
  // A long transaction makes the log long too, for a moment and without a reader.
  if (readers.empty() && level_ == Level::held) return;
  size_reported_ = size_;
  log_.line(picortex::Level::warn, "db.log_held")
      .number("pid", readers.empty() ? 0 : readers.front().pid)
      .number("bytes", size_)
      .message("a process has been reading the database for too long, " + named(readers) +
               ": until it ends the log cannot be emptied; it has grown to " + mebibytes(size_));
}

}  // namespace picortex
