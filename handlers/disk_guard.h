#pragma once

#include <cstdint>
#include <string>

#include "reactor/log.h"

namespace picortex {

// Whether the disk that a directory is on has little room left, in good time before it has none.
// Asks the file system (statvfs(3)), which knows without reading the disk; a change is logged.
class DiskGuard {
 public:
  DiskGuard(Log& log, std::string directory) : log_(log), directory_(std::move(directory)) {}

  // Below so many bytes that this user may still fill it is low; 0: never.
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
