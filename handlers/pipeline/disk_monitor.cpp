#include "handlers/pipeline/disk_monitor.h"

#include <sys/statvfs.h>

#include <utility>

namespace picortex {

void DiskMonitor::look() noexcept {
  // Requires some improvement before it ends, so that the two states do not alternate.
  const std::uint64_t wanted = free_min_ + (is_low_ ? free_min_ / 16 : 0);
  struct statvfs status {};
  const bool is_known = free_min_ > 0 && statvfs(directory_.c_str(), &status) == 0;
  const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
  const bool is_low = is_known && free < wanted;
  if (std::exchange(is_low_, is_low) == is_low) return;
  log_.line(is_low ? Level::error : Level::info, is_low ? "db.disk_low" : "db.disk_recovered")
      .number("free_bytes", static_cast<std::int64_t>(free))
      .number("min_free_bytes", static_cast<std::int64_t>(free_min_))
      .message(is_low ? "the disk is nearly full: clients get 503 until there is room again"
                      : "the disk has room again");
}

}  // namespace picortex
