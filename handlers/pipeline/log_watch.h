#pragma once

#include <cstdint>
#include <vector>

#include "handlers/pipeline/store_job.h"
#include "reactor/log.h"

namespace picortex {

// Watches the length of SQLite's write-ahead log. A read transaction that stays open, in any
// process,
// keeps it from being emptied, and it grows by everything that is written.
//
//   level     from            what is done
//   none      0
//   held      kHeldMin        a warning that names the readers, again at each doubling
//   too_long  kTooLongMin     the daemon's own queries end and are rejected
//   full      limit_of(size)  clients' events are rejected; only where the size is limited
//
// Each ends once the log is shorter than that again.
class LogWatch {
 public:
  enum class Level { none, held, too_long, full };

  static constexpr std::int64_t kHeldMin = StoreJob::kLogHeldMin;
  static constexpr std::int64_t kTooLongMin = std::int64_t{40} << 20;
  static constexpr std::int64_t kFullMin = std::int64_t{48} << 20;
  // An eighth of a large limit, so that a backup, which reads all the time, can finish.
  static constexpr std::int64_t limit_of(std::int64_t size_max) noexcept {
    return size_max / 8 > kFullMin ? size_max / 8 : kFullMin;
  }

  explicit LogWatch(Log& log) : log_(log) {}

  // The total that may be on the disk; 0: no limit.
  void limit(std::int64_t size_max) noexcept { size_max_ = size_max; }

  // Call it with the log's length after each job on the store.
  void note_size(std::int64_t size);
  // Call it after each search for them.
  void note_readers(const std::vector<LogReader>& readers);

  Level level() const noexcept { return level_; }

 private:
  Level level_of(std::int64_t size) const noexcept;

  Log& log_;
  std::int64_t size_max_ = 0;
  std::int64_t size_ = 0;
  std::int64_t size_reported_ = 0;  // 0: nothing has been reported since the log was short
  Level level_ = Level::none;
};

}  // namespace picortex
