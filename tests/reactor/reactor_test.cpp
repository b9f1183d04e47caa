#include "reactor/reactor.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "tests/support/scripted_loop.h"

using namespace picortex;
using namespace std::chrono_literals;
using test::Request;

namespace {

constexpr int kFile = 1000;

struct LoopFixture : test::ScriptedLoop {
  void on_poll(const Completion&) noexcept { seen_at = reactor->now(); }
  void on_deadline() noexcept { expired.push_back(reactor->now() - test::ScriptedClock::kStart); }
  void at_iteration_end() noexcept { clock.advance(hook_takes); }

  void take_in_each_iteration(Nanoseconds time) {
    hook_takes = time;
    reactor->iterate();
  }

  Nanoseconds hook_takes{0};
  Instant seen_at;
  std::vector<Nanoseconds> expired;
  DeadlineList list{2s};
  Deadline deadline = Deadline::to<&LoopFixture::on_deadline>(*this);
  Operation operation = Operation::to<&LoopFixture::on_poll>(*this);
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(loop, LoopFixture)

BOOST_AUTO_TEST_CASE(counts_its_iterations_and_what_they_delivered) {
  reactor->iterate();
  BOOST_TEST(reactor->stats().iterations == 1u);
  BOOST_TEST(reactor->stats().completions == 0u);
  reactor->ring().poll(operation, kFile, 1);
  script.complete(Request::Kind::poll, kFile, 1);
  reactor->iterate();
  BOOST_TEST(reactor->stats().iterations == 2u);
  BOOST_TEST(reactor->stats().completions == 1u);
}

BOOST_AUTO_TEST_CASE(reads_both_clocks_once_an_iteration) {
  BOOST_TEST((reactor->now() == test::ScriptedClock::kStart));
  BOOST_TEST(reactor->unix_ms() == test::ScriptedClock::kStartUnixMs);
  clock.advance(5ms);
  clock.set_wall_by(-1000);
  BOOST_TEST((reactor->now() == test::ScriptedClock::kStart));
  reactor->ring().poll(operation, kFile, 1);
  script.complete(Request::Kind::poll, kFile, 1);
  reactor->iterate();
  BOOST_TEST((seen_at == test::ScriptedClock::kStart + 5ms));
  BOOST_TEST(reactor->unix_ms() == test::ScriptedClock::kStartUnixMs - 995);
}

BOOST_AUTO_TEST_CASE(a_deadline_passes_when_its_time_has_come_and_not_before) {
  reactor->add(list);
  list.start(deadline, reactor->now());
  pass(1999ms);
  BOOST_TEST(expired.empty());
  pass(1ms);
  BOOST_REQUIRE(expired.size() == 1u);
  BOOST_TEST((expired[0] == 2s));
}

BOOST_AUTO_TEST_CASE(waits_until_the_next_deadline_less_what_the_iteration_took) {
  reactor->add(list);
  reactor->add(IterationHook::to<&LoopFixture::at_iteration_end>(*this));
  list.start(deadline, reactor->now());
  take_in_each_iteration(700ms);
  hook_takes = 0ms;
  BOOST_TEST(iterate_until([this] { return !expired.empty(); }, 1));
  BOOST_TEST((expired[0] == 2s));
}

BOOST_AUTO_TEST_CASE(does_not_wait_while_there_is_work_left) {
  script.wait_on(&clock);
  reactor->turn_at_once();
  reactor->iterate();
  BOOST_TEST((clock.now() == test::ScriptedClock::kStart));
  reactor->iterate();
  BOOST_TEST((clock.now() > test::ScriptedClock::kStart));
}

BOOST_AUTO_TEST_CASE(reports_its_longest_iteration_including_the_hooks) {
  reactor->add(IterationHook::to<&LoopFixture::at_iteration_end>(*this));
  BOOST_TEST((reactor->stats().longest_iteration == 0ms));
  take_in_each_iteration(5ms);
  BOOST_TEST((reactor->stats().longest_iteration == 5ms));
  BOOST_TEST((reactor->stats().longest_iteration_last_minute == 5ms));
  take_in_each_iteration(2ms);
  BOOST_TEST((reactor->stats().longest_iteration == 5ms));
}

BOOST_AUTO_TEST_CASE(forgets_a_long_iteration_of_more_than_a_minute_ago_in_the_minutes_longest) {
  reactor->add(IterationHook::to<&LoopFixture::at_iteration_end>(*this));
  take_in_each_iteration(5ms);
  hook_takes = 1ms;
  pass(30s);
  BOOST_TEST((reactor->stats().longest_iteration_last_minute == 5ms));
  pass(40s);
  BOOST_TEST((reactor->stats().longest_iteration_last_minute == 1ms));
  BOOST_TEST((reactor->stats().longest_iteration == 5ms));
}

BOOST_AUTO_TEST_SUITE_END()
