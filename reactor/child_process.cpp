#include "reactor/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

extern char** environ;

namespace picortex {
namespace {

// posix_spawn's two option objects, which want to be destroyed.
struct SpawnOptions {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  SpawnOptions() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  SpawnOptions(const SpawnOptions&) = delete;
  SpawnOptions& operator=(const SpawnOptions&) = delete;
  ~SpawnOptions() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
};

void prepare(SpawnOptions& options, int error_descriptor) {
  posix_spawn_file_actions_addopen(&options.files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&options.files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&options.files, error_descriptor, 2);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&options.attributes, &none);
  posix_spawnattr_setsigdefault(&options.attributes, &all);
  // A group of its own: a Ctrl-C meant for the daemon does not reach it, and it can be ended whole.
  posix_spawnattr_setpgroup(&options.attributes, 0);
  posix_spawnattr_setflags(&options.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

std::vector<char*> pointers(std::span<const std::string> texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  return result;
}

bool names_same_variable(const char* entry, const std::string& variable) {
  return std::strncmp(entry, variable.c_str(), variable.find('=') + 1) == 0;
}

std::vector<char*> environment_with(std::span<const std::string> variables) {
  std::vector<char*> result = pointers(variables);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool replaced = false;
    for (const std::string& variable : variables) {
      replaced = replaced || names_same_variable(*entry, variable);
    }
    if (!replaced) result.push_back(*entry);
  }
  result.push_back(nullptr);
  return result;
}

}  // namespace

ChildProcess::ChildProcess(Reactor& reactor, DeadlineList& time_limits, void* owner,
                           Handler handler)
    : reactor_(reactor), time_limits_(time_limits), owner_(owner), handler_(handler) {}

ChildProcess::~ChildProcess() { CHECK(is_idle()); }

Result<void> ChildProcess::start(std::span<const std::string> arguments,
                                 std::span<const std::string> variables) {
  CHECK(is_idle() && !arguments.empty());
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return failure(std::string("cannot make a pipe: ") + std::strerror(errno), errno);
  }
  error_pipe_.reset(pipe_ends[0]);
  const FileDescriptor error_end(pipe_ends[1]);
  SpawnOptions options;
  prepare(options, error_end.number());
  std::vector<char*> argument_pointers = pointers(arguments);
  argument_pointers.push_back(nullptr);
  const int error =
      posix_spawnp(&pid_, arguments.front().c_str(), &options.files, &options.attributes,
                   argument_pointers.data(), environment_with(variables).data());
  if (error != 0) {
    return failure("cannot start " + arguments.front() + ": " + std::strerror(error), error);
  }
  // The child cannot be somebody else by now: it stays a zombie until it is waited for.
  pid_descriptor_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (!pid_descriptor_.is_open()) {
    const int cause = errno;
    ::kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    return failure(std::string("cannot watch a child: ") + std::strerror(cause), cause);
  }
  timed_out_ = false;
  reactor_.ring().poll(exit_, pid_descriptor_.number(), POLLIN);
  time_limits_.start(time_limit_, reactor_.now());
  return {};
}

void ChildProcess::kill() {
  if (exit_.in_flight()) ::kill(-pid_, SIGKILL);
}

void ChildProcess::on_time_limit() noexcept {
  timed_out_ = true;
  kill();
}

void ChildProcess::on_exit(const Completion&) noexcept {
  int status = 0;
  const pid_t ended = waitpid(pid_, &status, WNOHANG);
  CHECK(ended == pid_);
  time_limit_.stop();
  std::array<char, 512> text;
  const ssize_t size = read(error_pipe_.number(), text.data(), text.size());
  const ChildExit exit{.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                       .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                       .timed_out = timed_out_,
                       .error_text = {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0}};
  pid_descriptor_.reset();
  error_pipe_.reset();
  handler_(owner_, exit);
}

}  // namespace picortex
