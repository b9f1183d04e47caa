#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace picortex {

// How a child process ended: with an exit status, or by a signal when that is not 0.
struct ChildEnd {
  int exit_status = 0;
  int signal = 0;
};

// A child that the caller stands in for, as env(1) would by exec: same process group, same
// terminal, same streams and signal mask. While it runs
// - a signal that a process sent to us goes on to the child. One that the kernel sent does not: the
//   terminal's Ctrl-C, Ctrl-\, Ctrl-Z and window changes reach the whole foreground group. The
//   hang-up is the exception, since the kernel sends it to the session's leader alone. Whoever
//   signals the whole group by kill(2) reaches the child twice: the two cannot be told apart;
// - when the child is stopped by its terminal (SIGTSTP, SIGTTIN, SIGTTOU) so are we, and the
//   shell sees a stopped job.
// One a process; blocks the signals concerned from the start of the child until the process ends.
class CommandProcess {
 public:
  // Starts arguments[0], looked up in PATH, with `environment` as NAME=value texts. The error's
  // code is posix_spawnp(3)'s: ENOENT when there is no such program.
  static Result<CommandProcess> start(const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& environment);

  pid_t pid() const noexcept { return pid_; }

  // Returns once the child has ended; once only.
  ChildEnd wait();

 private:
  explicit CommandProcess(pid_t pid) noexcept : pid_(pid) {}

  // True once the child has ended; follows it into a stop.
  bool reap(ChildEnd& end);

  pid_t pid_;
};

}  // namespace picortex
