#include "tests/support/scripted_worker.h"

#include <deque>

#include "base/callback.h"
#include "base/check.h"
#include "reactor/reactor.h"
#include "reactor/worker.h"
#include "tests/support/scripted_ring.h"

namespace picortex::test {
namespace {

// No descriptors: what the ring would wait for.
int next_file = 1'000'000;

struct HeldJob {
  Callback<> work;
  int file;
};
std::deque<HeldJob> held;

void finish(const HeldJob& job) {
  job.work();
  ScriptedRing::current().complete(Request::Kind::poll, job.file, 0);
}

}  // namespace

bool ScriptedWorker::let_one_end() {
  if (held.empty()) return false;
  const HeldJob job = held.front();
  held.pop_front();
  finish(job);
  return true;
}

}  // namespace picortex::test

namespace picortex {

using test::ScriptedWorker;

Result<std::unique_ptr<Worker>> Worker::start(Reactor& reactor) {
  return std::unique_ptr<Worker>(new Worker(reactor));
}

Worker::~Worker() = default;

void Worker::run(Callback<> work, Callback<> done) noexcept {
  report_done_ = done;
  const test::HeldJob job{work, test::next_file++};
  reactor_.ring().poll(done_, job.file, 0);
  ScriptedWorker::holds_jobs ? test::held.push_back(job) : test::finish(job);
}

void Worker::loop() noexcept {}

void Worker::on_done(const Completion&) noexcept { report_done_(); }

}  // namespace picortex
