#include "reactor/signals.h"

#include <cerrno>
#include <csignal>

#include "reactor/reactor.h"

namespace picortex {

Result<std::unique_ptr<Signals>> Signals::open(Reactor& reactor, std::initializer_list<int> signals,
                                               Callback<int> on_signal) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  FileDescriptor descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor.is_open()) {
    return errno_failure("cannot listen for signals");
  }
  return std::unique_ptr<Signals>(new Signals(reactor, std::move(descriptor), on_signal));
}

Signals::Signals(Reactor& reactor, FileDescriptor descriptor, Callback<int> on_signal)
    : reactor_(reactor), descriptor_(std::move(descriptor)), on_signal_(on_signal) {
  read_next();
}

void Signals::read_next() {
  reactor_.ring().read(read_, descriptor_.number(),
                       {reinterpret_cast<char*>(&info_), sizeof info_});
}

void Signals::stop() {
  stopping_ = true;
  if (read_.in_flight()) reactor_.ring().cancel(read_);
}

void Signals::on_read(const Completion& completion) noexcept {
  if (stopping_) return;
  CHECK(completion.result == sizeof info_ || completion.result == -EINTR ||
        completion.result == -EAGAIN);
  const bool arrived = completion.result == sizeof info_;
  const int signal = static_cast<int>(info_.ssi_signo);
  read_next();
  if (arrived) on_signal_(signal);
}

}  // namespace picortex
