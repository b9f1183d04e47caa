#pragma once

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "base/file_descriptor.h"
#include "cli/run/run.h"

namespace picortex {

inline std::string read_to_end(int descriptor) {
  std::string text;
  char buffer[4096];
  ssize_t got;
  while ((got = read(descriptor, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

// Reads until `wanted` has come; what was read. Ends at the end of the stream too.
inline std::string read_until(int descriptor, const std::string& wanted) {
  std::string text;
  char c;
  while (text.find(wanted) == std::string::npos && read(descriptor, &c, 1) == 1) text += c;
  return text;
}

// A `picortex run` in a process of its own, with pipes for its output.
class ForkedRun {
 public:
  ForkedRun(
      const RunOptions& options, const Environment& environment,
      const std::function<void()>& prepare = [] {}) {
    int out[2];
    int error[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(error, O_CLOEXEC) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      dup2(error[1], STDERR_FILENO);
      prepare();
      _exit(run(options, environment));
    }
    close(out[1]);
    close(error[1]);
    out_ = out[0];
    error_ = error[0];
  }
  ForkedRun(const ForkedRun&) = delete;
  ForkedRun& operator=(const ForkedRun&) = delete;
  ~ForkedRun() {
    close(out_);
    close(error_);
  }

  pid_t pid() const { return pid_; }
  int out() const { return out_; }

  struct Outcome {
    int exit_status;  // -1 when a signal ended `run` itself
    std::string out;
    std::string error;
  };

  // The output is small enough for the pipes.
  Outcome finish() {
    int status = 0;
    waitpid(pid_, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_to_end(out_), read_to_end(error_)};
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int error_ = -1;
};

}  // namespace picortex
