#pragma once

#include <sys/types.h>

#include <chrono>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "reactor/deadline_list.h"

namespace picortex {

// The processes that have started last. Programs such as curl or git start, connect and end: who
// opens a first connection is likely to be among them.
//
// The kernel gives PIDs in ascending order and shows the last one in /proc/loadavg (proc(5)). No
// directory is read, so each of these PIDs can be that of a process, of another one's thread, or of
// none any more.
class YoungProcesses {
 public:
  static constexpr int kMax = 32;
  static constexpr std::chrono::seconds kTime{2};

  YoungProcesses() noexcept;

  // The last PIDs, the latest last; none if that one was given kTime ago.
  std::vector<pid_t> list(Instant now);
  // The same if `latest` is the last one; 0: unknown.
  std::vector<pid_t> list(pid_t latest, Instant now);

 private:
  FileDescriptor load_;
  pid_t latest_ = 0;
  Instant until_{};
};

// Returns the PID that `text`, that of /proc/loadavg, ends in; 0 if there is none.
pid_t latest_pid_in(std::string_view text) noexcept;

}  // namespace picortex
