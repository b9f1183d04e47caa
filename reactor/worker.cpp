#include "reactor/worker.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "reactor/reactor.h"

namespace picortex {
namespace {

void signal_event(const FileDescriptor& event) noexcept {
  const std::uint64_t one = 1;
  // Fails only after 2^64 - 2 unnoticed jobs.
  CHECK(write(event.number(), &one, sizeof one) == sizeof one);
}

void wait_for_event(const FileDescriptor& event) noexcept {
  std::uint64_t count = 0;
  ssize_t size = 0;
  do {
    size = read(event.number(), &count, sizeof count);
  } while (size < 0 && errno == EINTR);
  CHECK(size == sizeof count);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::start(Reactor& reactor) {
  std::unique_ptr<Worker> worker(new Worker(reactor));
  worker->begun_event_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  worker->done_event_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  if (!worker->begun_event_.is_open() || !worker->done_event_.is_open()) {
    return errno_failure("cannot create an eventfd");
  }
  // Signals belong to the loop: a thread inherits the mask of its creator.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  try {
    worker->thread_ = std::thread(&Worker::loop, worker.get());
  } catch (const std::system_error& failed) {
    error = failed.code().value();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    return failure(std::string("cannot start a thread: ") + std::strerror(error) +
                       "; raise TasksMax or the limit of processes (ulimit -u)",
                   error);
  }
  pthread_setname_np(worker->thread_.native_handle(), "picortex-disk");
  return worker;
}

Worker::~Worker() {
  CHECK(!is_busy());
  if (!thread_.joinable()) return;
  signal_event(begun_event_);
  thread_.join();
}

void Worker::run(Callback<> work, Callback<> done) noexcept {
  work_ = work;
  report_done_ = done;
  await_end();
  with_thread_.store(true, std::memory_order_release);
  signal_event(begun_event_);
}

void Worker::await_end() noexcept {
  reactor_.ring().read(done_, done_event_.number(),
                       {reinterpret_cast<char*>(&done_count_), sizeof done_count_});
}

void Worker::loop() noexcept {
  for (;;) {
    wait_for_event(begun_event_);
    if (!with_thread_.load(std::memory_order_acquire)) return;
    work_();
    with_thread_.store(false, std::memory_order_release);
    signal_event(done_event_);
  }
}

void Worker::on_done(const Completion& completion) noexcept {
  // An interrupted read has consumed nothing.
  if (completion.result == -EINTR || completion.result == -EAGAIN) return await_end();
  CHECK(completion.result == sizeof done_count_);
  CHECK(!with_thread_.load(std::memory_order_acquire));
  report_done_();
}

}  // namespace picortex
