#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "reactor/reactor.h"

namespace picortex {

// How a child ended: by exit status, or by a signal (0: none).
struct ChildExit {
  int status = 0;
  int signal = 0;
  bool timed_out = false;  // it was killed because it timed out
  // the beginning of what it wrote to stderr; valid during the callback
  std::string_view error_text;
};

// A program that the daemon runs and whose end it learns through a pidfd on the ring. Its stdin is
// /dev/null, or a pipe with a text; its stdout is /dev/null; its stderr is read to the end, and the
// beginning kept. It gets the daemon's environment preceded by the given variables, and no blocked
// signals. One child at a time; the owner must keep the object until is_idle().
class ChildProcess {
 public:
  // `time_limits` must be a list of the reactor's; its length is how long a child may run before it
  // is killed (SIGKILL).
  ChildProcess(Reactor& reactor, DeadlineList& time_limits, Callback<const ChildExit&> on_exit);
  ~ChildProcess();

  // Starts `arguments` (the program is looked up in PATH). `variables` has NAME=value texts.
  // `input` is its stdin; what it does not read is dropped.
  Result<void> start(std::span<const std::string> arguments, std::span<const std::string> variables,
                     std::string input = {});
  // Kills the child, if there is one. Its exit is still reported.
  void kill();

  bool is_idle() const noexcept {
    return !exit_.in_flight() && !write_.in_flight() && !read_.in_flight();
  }
  pid_t pid() const noexcept { return pid_; }

 private:
  void on_exit(const Completion& completion) noexcept;
  void on_write(const Completion& completion) noexcept;
  void on_read(const Completion& completion) noexcept;
  void write_rest();
  void read_errors();
  void keep(std::size_t size);
  void finish_if_idle();
  void finish();
  void on_time_limit() noexcept;

  Reactor& reactor_;
  DeadlineList& time_limits_;
  Callback<const ChildExit&> report_exit_;
  pid_t pid_ = -1;
  FileDescriptor pid_descriptor_;
  FileDescriptor error_pipe_;
  FileDescriptor input_pipe_;
  std::string input_;
  std::size_t written_ = 0;  // of input_
  std::array<char, 4096> read_buffer_;
  std::string error_text_;
  bool has_ended_ = false;
  bool timed_out_ = false;
  Operation exit_ = Operation::to<&ChildProcess::on_exit>(*this);
  Operation write_ = Operation::to<&ChildProcess::on_write>(*this);
  Operation read_ = Operation::to<&ChildProcess::on_read>(*this);
  Deadline time_limit_ = Deadline::to<&ChildProcess::on_time_limit>(*this);
};

}  // namespace picortex
