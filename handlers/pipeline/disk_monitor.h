#pragma once

#include <cstdint>
#include <string>

#include "reactor/log.h"

namespace picortex {

// Detects that a directory's disk has little space left, before it has none. Asks the file system
// (statvfs(3)), which knows without reading the disk; logs each change.
class DiskMonitor {
 public:
  DiskMonitor(Log& log, std::string directory) : log_(log), directory_(std::move(directory)) {}

  // The disk is low while this user may write fewer bytes to it than that; 0: never.
  void require(std::uint64_t free_min) noexcept {
    free_min_ = free_min;
    look();
  }
  void look() noexcept;
  bool is_low() const noexcept { return is_low_; }

 private:
  Log& log_;
  std::string directory_;
  std::uint64_t free_min_ = 0;
  bool is_low_ = false;
};

}  // namespace picortex
