#pragma once

#include <sys/signalfd.h>

#include <initializer_list>
#include <memory>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "reactor/operation.h"

namespace picortex {

class Reactor;

// Signals as completions of the loop (signalfd(2)). The signals are blocked for the whole process
// from the construction on; children start with them unblocked (child_process.h).
class Signals {
 public:
  // Blocks `signals` and calls `on_signal` with the number of each that arrives.
  static Result<std::unique_ptr<Signals>> open(Reactor& reactor, std::initializer_list<int> signals,
                                               Callback<int> on_signal);

  // Stops listening. The operation ends in one of the next iterations; poll is_idle().
  void stop();
  bool is_idle() const noexcept { return !read_.in_flight(); }

 private:
  Signals(Reactor& reactor, FileDescriptor descriptor, Callback<int> on_signal);
  void on_read(const Completion& completion) noexcept;
  void read_next();

  Reactor& reactor_;
  FileDescriptor descriptor_;
  Callback<int> on_signal_;
  signalfd_siginfo info_{};
  Operation read_ = Operation::to<&Signals::on_read>(*this);
  bool stopping_ = false;
};

}  // namespace picortex
