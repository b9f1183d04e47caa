#include "reactor/worker.h"

#include <pthread.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>
#include <thread>

#include "reactor/reactor.h"

using namespace picortex;

namespace {

// Work that a thread does, and what both sides see of it.
struct Jobs {
  void work() noexcept {
    thread = std::this_thread::get_id();
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    takes_signals = takes_signals || sigismember(&blocked, SIGTERM) == 0;
    ++worked;
  }
  void on_done() noexcept {
    ++done;
    is_in_step = is_in_step && worked == done;
    if (done < wanted) worker->run<&Jobs::work, &Jobs::on_done>(*this);
  }
  void wait_for_pipe() noexcept {
    char byte;
    is_in_step = read(pipe_end, &byte, 1) == 1 && is_in_step;
    ++worked;
  }

  Worker* worker = nullptr;
  std::thread::id thread;
  int pipe_end = -1;
  int worked = 0;
  int done = 0;
  int wanted = 1;
  bool is_in_step = true;
  bool takes_signals = false;
};

struct WorkerFixture {
  WorkerFixture() { jobs.worker = worker.get(); }
  void turn_until_idle() {
    for (int i = 0; i < 1'000'000 && worker->is_busy(); ++i) reactor->iterate();
    BOOST_REQUIRE(!worker->is_busy());
  }

  std::unique_ptr<Reactor> reactor = *Reactor::open();
  std::unique_ptr<Worker> worker = *Worker::start(*reactor);
  Jobs jobs;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(worker, WorkerFixture)

BOOST_AUTO_TEST_CASE(ends_while_it_has_never_had_a_job) { BOOST_TEST(!worker->is_busy()); }

BOOST_AUTO_TEST_CASE(works_on_a_thread_of_its_own_and_is_done_on_the_loops) {
  jobs.wanted = 10'000;
  worker->run<&Jobs::work, &Jobs::on_done>(jobs);
  turn_until_idle();
  BOOST_TEST(jobs.done == 10'000);
  BOOST_TEST(jobs.is_in_step);
  BOOST_TEST((jobs.thread != std::this_thread::get_id()));
  BOOST_TEST(!jobs.takes_signals);
}

BOOST_AUTO_TEST_CASE(the_loop_continues_while_a_job_waits) {
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  jobs.pipe_end = ends[0];
  worker->run<&Jobs::wait_for_pipe, &Jobs::on_done>(jobs);
  for (int i = 0; i < 100; ++i) {
    reactor->turn_at_once();
    reactor->iterate();
  }
  BOOST_TEST(worker->is_busy());
  BOOST_TEST(jobs.done == 0);
  BOOST_TEST(write(ends[1], "x", 1) == 1);
  turn_until_idle();
  BOOST_TEST(jobs.done == 1);
  BOOST_TEST(jobs.is_in_step);
  for (const int end : ends) close(end);
}

BOOST_AUTO_TEST_SUITE_END()
