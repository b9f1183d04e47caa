#include "reactor/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

extern char** environ;

namespace picortex {
namespace {

constexpr std::size_t kErrorTextSizeMax = 512;

// posix_spawn's two option objects, which must be destroyed.
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

// `input_descriptor` is negative for /dev/null.
void prepare(SpawnOptions& options, int input_descriptor, int error_descriptor) {
  if (input_descriptor < 0) {
    posix_spawn_file_actions_addopen(&options.files, 0, "/dev/null", O_RDONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&options.files, input_descriptor, 0);
  }
  // The daemon's stdout is its log, which no program may write to.
  posix_spawn_file_actions_addopen(&options.files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&options.files, error_descriptor, 2);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&options.attributes, &none);
  // The daemon ignores SIGPIPE and SIGXFSZ; a program expects their default actions.
  posix_spawnattr_setsigdefault(&options.attributes, &all);
  // A process group of its own: a Ctrl-C meant for the daemon does not reach it, and it can be
  // killed as a whole.
  posix_spawnattr_setpgroup(&options.attributes, 0);
  posix_spawnattr_setflags(&options.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

std::vector<char*> pointers(std::span<const std::string> texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  return result;
}

Result<std::pair<FileDescriptor, FileDescriptor>> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return errno_failure("cannot create a pipe");
  }
  return std::pair{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
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

ChildProcess::ChildProcess(Reactor& reactor, DeadlineList& time_limits,
                           Callback<const ChildExit&> on_exit)
    : reactor_(reactor), time_limits_(time_limits), report_exit_(on_exit) {}

ChildProcess::~ChildProcess() { CHECK(is_idle()); }

Result<void> ChildProcess::start(std::span<const std::string> arguments,
                                 std::span<const std::string> variables, std::string input) {
  CHECK(is_idle() && !arguments.empty());
  // Blocking pipes: the ring waits for a slow program, not the loop.
  auto error_pipe = make_pipe();
  if (!error_pipe) return std::unexpected(error_pipe.error());
  error_pipe_ = std::move(error_pipe->first);
  FileDescriptor input_end;
  if (!input.empty()) {
    auto input_pipe = make_pipe();
    if (!input_pipe) return std::unexpected(input_pipe.error());
    input_end = std::move(input_pipe->first);
    input_pipe_ = std::move(input_pipe->second);
  }
  SpawnOptions options;
  prepare(options, input_end.number(), error_pipe->second.number());
  std::vector<char*> argument_pointers = pointers(arguments);
  argument_pointers.push_back(nullptr);
  const int error =
      posix_spawnp(&pid_, arguments.front().c_str(), &options.files, &options.attributes,
                   argument_pointers.data(), environment_with(variables).data());
  if (error != 0) {
    input_pipe_.reset();
    return failure("cannot start " + arguments.front() + ": " + std::strerror(error), error);
  }
  // The PID cannot belong to another process yet: the child stays a zombie until it is waited for.
  pid_descriptor_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (!pid_descriptor_.is_open()) {
    const int cause = errno;
    ::kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    input_pipe_.reset();
    return failure(std::string("cannot watch a child: ") + std::strerror(cause), cause);
  }
  timed_out_ = has_ended_ = false;
  input_ = std::move(input);
  written_ = 0;
  error_text_.clear();
  if (input_pipe_.is_open()) write_rest();
  read_errors();
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

void ChildProcess::write_rest() {
  reactor_.ring().write(write_, input_pipe_.number(), std::span(input_).subspan(written_));
}

void ChildProcess::on_write(const Completion& completion) noexcept {
  if (completion.result > 0) written_ += static_cast<std::size_t>(completion.result);
  const bool interrupted = completion.result == -EINTR || completion.result == -EAGAIN;
  if (!has_ended_ && (completion.result > 0 || interrupted) && written_ < input_.size()) {
    return write_rest();
  }
  input_pipe_.reset();  // end of file for the reader; EPIPE: there is none
  finish_if_idle();
}

void ChildProcess::read_errors() {
  reactor_.ring().read(read_, error_pipe_.number(), read_buffer_);
}

void ChildProcess::on_read(const Completion& completion) noexcept {
  if (completion.result > 0) keep(static_cast<std::size_t>(completion.result));
  // Unread output would block the program once the pipe is full.
  if (!has_ended_ && (completion.result > 0 || completion.result == -EINTR)) return read_errors();
  finish_if_idle();
}

void ChildProcess::keep(std::size_t size) {
  error_text_.append(read_buffer_.data(), std::min(size, kErrorTextSizeMax - error_text_.size()));
}

void ChildProcess::on_exit(const Completion&) noexcept {
  has_ended_ = true;
  // Another process that holds a pipe's other end must not keep this object busy.
  for (Operation* operation : {&write_, &read_}) {
    if (operation->in_flight()) reactor_.ring().cancel(*operation);
  }
  finish_if_idle();
}

void ChildProcess::finish_if_idle() {
  if (has_ended_ && is_idle()) finish();
}

void ChildProcess::finish() {
  int status = 0;
  const pid_t ended = waitpid(pid_, &status, WNOHANG);
  CHECK(ended == pid_);
  time_limit_.stop();
  // What the child wrote last may still be in the pipe, which another process may hold open: read
  // once, without waiting.
  fcntl(error_pipe_.number(), F_SETFL, O_NONBLOCK);
  const ssize_t size = read(error_pipe_.number(), read_buffer_.data(), read_buffer_.size());
  if (size > 0) keep(static_cast<std::size_t>(size));
  const ChildExit exit{.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                       .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                       .timed_out = timed_out_,
                       .error_text = error_text_};
  pid_descriptor_.reset();
  error_pipe_.reset();
  report_exit_(exit);
}

}  // namespace picortex
