#include "cli/run/command_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/terminal.h"

namespace picortex {
namespace {

constexpr int kForwarded[] = {SIGTERM, SIGHUP,   SIGINT,  SIGQUIT, SIGUSR1,
                              SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP};

sigset_t waited_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (const int signal : kForwarded) sigaddset(&signals, signal);
  return signals;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool is_for_child(const siginfo_t& info) noexcept {
  // Codes above 0 come from the kernel (sigaction(2)).
  if (info.si_code <= 0) return true;
  const bool is_hang_up = info.si_signo == SIGHUP || info.si_signo == SIGCONT;
  return is_hang_up && getsid(0) == getpid();
}

// Takes the default action of a terminal's stop signal. The kernel withholds it from a process
// group that no shell controls, where no shell would ever continue this process.
void stop_by(int signal) noexcept {
  sigset_t one;
  sigset_t before;
  sigemptyset(&one);
  sigaddset(&one, signal);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &one, &before);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

Result<CommandProcess> CommandProcess::start(const std::vector<std::string>& arguments,
                                             const std::vector<std::string>& environment) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // If SIGCHLD is inherited as ignored, the kernel would discard the exit status.
  signal(SIGCHLD, SIG_DFL);
  const sigset_t waited = waited_signals();
  sigset_t inherited;
  sigprocmask(SIG_BLOCK, &waited, &inherited);
  posix_spawnattr_t attributes;
  CHECK(posix_spawnattr_init(&attributes) == 0);
  CHECK(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0);
  // main() ignores this signal; the command must behave as it would without picortex.
  sigset_t restored;
  sigemptyset(&restored);
  sigaddset(&restored, SIGXFSZ);
  CHECK(posix_spawnattr_setsigdefault(&attributes, &restored) == 0);
  CHECK(posix_spawnattr_setsigmask(&attributes, &inherited) == 0);
  pid_t pid = 0;
  const int code = posix_spawnp(&pid, arguments.front().c_str(), nullptr, &attributes,
                                pointers_to(arguments).data(), pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  if (code != 0) {
    sigprocmask(SIG_SETMASK, &inherited, nullptr);
    return failure("cannot start " + display(arguments.front()) + ": " + std::strerror(code), code);
  }
  return CommandProcess(pid);
}

ChildEnd CommandProcess::wait() {
  const sigset_t waited = waited_signals();
  ChildEnd end;
  while (true) {
    siginfo_t info;
    const int signal = sigwaitinfo(&waited, &info);
    if (signal < 0) {
      CHECK(errno == EINTR);  // as after a stop (signal(7))
    } else if (signal == SIGCHLD) {
      if (reap(end)) return end;
    } else if (is_for_child(info)) {
      kill(pid_, signal);
    }
  }
}

bool CommandProcess::reap(ChildEnd& end) {
  int status = 0;
  // One SIGCHLD may stand for several changes.
  while (true) {
    const pid_t changed = waitpid(-1, &status, WNOHANG | WUNTRACED);
    if (changed == 0) return false;
    CHECK(changed > 0);
    if (changed != pid_) continue;
    if (!WIFSTOPPED(status)) break;
    const int signal = WSTOPSIG(status);
    if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) stop_by(signal);
  }
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
  } else {
    end.exit_status = WEXITSTATUS(status);
  }
  return true;
}

}  // namespace picortex
