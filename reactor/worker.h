#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "reactor/operation.h"

namespace picortex {

class Reactor;

// A thread that makes blocking calls for the loop, mostly on a disk. It runs one job at a time and
// knows nothing but the job: no ring, no log, no signals.
//
// The data of a job belong to the thread from run() until the job's `Done` is called, and to the
// loop at any other time, so they need no locks. Unit tests link a scripted worker in place of
// worker.cpp.
//
//            run()                   work has returned           completion of the eventfd
//   idle  ----------->  running  ------------------------->  done  ------------------------->  idle
//            loop                    thread                          loop: calls Done
class Worker {
 public:
  // The error says that no thread or no descriptor could be created.
  static Result<std::unique_ptr<Worker>> start(Reactor& reactor);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Must be idle: a thread that waits for a disk cannot be ended.
  ~Worker();

  bool is_busy() const noexcept { return done_.in_flight(); }

  // Calls Work on the thread, then Done in a later iteration of the loop. Must be idle; Done may
  // run the next job. `owner` must outlive both.
  template <auto Work, auto Done, class Owner>
  void run(Owner& owner) noexcept {
    run(Callback<>::to<Work>(owner), Callback<>::to<Done>(owner));
  }

 private:
  explicit Worker(Reactor& reactor) noexcept : reactor_(reactor) {}
  void run(Callback<> work, Callback<> done) noexcept;
  void await_end() noexcept;
  void loop() noexcept;
  void on_done(const Completion& completion) noexcept;

  Reactor& reactor_;
  FileDescriptor begun_event_;  // eventfds (eventfd(2))
  FileDescriptor done_event_;
  // Orders both sides' access to the data: true from run() until the work has returned. A thread
  // that is woken while it is false must end.
  std::atomic<bool> with_thread_ = false;
  std::uint64_t done_count_ = 0;  // where the ring stores what it reads from done_event_
  Callback<> work_;
  Callback<> report_done_;
  Operation done_ = Operation::to<&Worker::on_done>(*this);
  std::thread thread_;
};

}  // namespace picortex
