#pragma once

#include <sys/signalfd.h>

#include <initializer_list>
#include <memory>

#include "base/result.h"
#include "reactor/file_descriptor.h"
#include "reactor/operation.h"

namespace picortex {

class Reactor;

// Signals as completions of the loop (signalfd(2)). The signals are blocked for the whole process
// from the moment this exists; children get them unblocked (child_process.h).
class Signals {
 public:
  using Handler = void (*)(void* owner, int signal) noexcept;

  // Blocks `signals` and calls `handler` with `owner` for each that arrives.
  static Result<std::unique_ptr<Signals>> open(Reactor& reactor, std::initializer_list<int> signals,
                                               void* owner, Handler handler);

  // Stops listening. The operation ends in one of the next turns; is_idle() tells.
  void stop();
  bool is_idle() const noexcept { return !read_.in_flight(); }

 private:
  Signals(Reactor& reactor, FileDescriptor descriptor, void* owner, Handler handler);
  void on_read(const Completion& completion) noexcept;
  void read_next();

  Reactor& reactor_;
  FileDescriptor descriptor_;
  void* owner_;
  Handler handler_;
  signalfd_siginfo info_{};
  Operation read_ = Operation::to<&Signals::on_read>(*this);
  bool stopping_ = false;
};

}  // namespace picortex
