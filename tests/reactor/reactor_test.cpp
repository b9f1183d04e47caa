#include "reactor/reactor.h"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/support/scripted_ring.h"

using namespace picortex;
using test::Request;
using test::ScriptedRing;

namespace {

constexpr int kFile = 1000;
constexpr std::chrono::milliseconds kSlow{5};

struct LoopFixture {
  LoopFixture() : reactor(*Reactor::open()), script(ScriptedRing::current()) {}

  void on_poll(const Completion&) noexcept {}
  void at_turn_end() noexcept {
    if (is_slow) std::this_thread::sleep_for(kSlow);
  }

  std::unique_ptr<Reactor> reactor;
  ScriptedRing& script;
  bool is_slow = false;
  Operation operation = Operation::to<&LoopFixture::on_poll>(*this);
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(loop, LoopFixture)

BOOST_AUTO_TEST_CASE(counts_its_turns_and_what_they_delivered) {
  reactor->turn();
  BOOST_TEST(reactor->figures().turns == 1u);
  BOOST_TEST(reactor->figures().completions == 0u);
  reactor->ring().poll(operation, kFile, 1);
  script.complete(Request::Kind::poll, kFile, 1);
  reactor->turn();
  BOOST_TEST(reactor->figures().turns == 2u);
  BOOST_TEST(reactor->figures().completions == 1u);
}

BOOST_AUTO_TEST_CASE(tells_its_longest_turn_the_hooks_included) {
  reactor->add(TurnHook::to<&LoopFixture::at_turn_end>(*this));
  BOOST_TEST((reactor->figures().longest_turn == Nanoseconds{0}));
  is_slow = true;
  reactor->turn();
  const LoopFigures slow = reactor->figures();
  BOOST_TEST((slow.longest_turn >= kSlow));
  BOOST_TEST((slow.longest_turn_last_minute == slow.longest_turn));
  is_slow = false;
  reactor->turn();
  BOOST_TEST((reactor->figures().longest_turn >= slow.longest_turn));
}

BOOST_AUTO_TEST_SUITE_END()
