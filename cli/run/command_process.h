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

// A child that this process stands in for, as env(1) would by exec: same process group, same
// terminal, same streams and signal mask. While it runs
// - a signal that another process sent is passed on to the child. One that the kernel sent is not:
//   the terminal's Ctrl-C, Ctrl-\, Ctrl-Z and window changes reach the whole foreground group. The
//   hang-up is the exception, since the kernel sends it to the session's leader only. A kill(2) of
//   the whole group reaches the child twice, since the two cases cannot be distinguished;
// - when the terminal stops the child (SIGTSTP, SIGTTIN, SIGTTOU), this process stops too, so that
//   the shell sees a stopped job;
// - a process whose parent ended (a double fork) becomes a child of this one
//   (PR_SET_CHILD_SUBREAPER), so that it stays a descendant of the run that it belongs to.
// At most one in a process. Blocks the signals concerned from the start of the child until the
// process ends.
class CommandProcess {
 public:
  // Starts arguments[0], looked up in PATH, with `environment` as NAME=value texts. The error's
  // code is that of posix_spawnp(3): ENOENT if there is no such program.
  static Result<CommandProcess> start(const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& environment);

  pid_t pid() const noexcept { return pid_; }

  // Returns once the child has ended. Call it once.
  ChildEnd wait();

 private:
  explicit CommandProcess(pid_t pid) noexcept : pid_(pid) {}

  // Returns true once the child has ended; stops when the child is stopped. Also reaps adopted
  // processes.
  bool reap(ChildEnd& end);

  pid_t pid_;
};

}  // namespace picortex
