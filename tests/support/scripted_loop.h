#pragma once

#include <memory>

#include "reactor/reactor.h"
#include "tests/support/scripted_clock.h"
#include "tests/support/scripted_ring.h"

namespace picortex::test {

// A loop on the scripted ring, whose time the test controls. An iteration itself takes no time.
struct ScriptedLoop {
  // Lets time pass, and then the deadlines of that time.
  void pass(Nanoseconds time) {
    clock.advance(time);
    reactor->iterate();
  }

  void iterate(int count) {
    for (int i = 0; i < count; ++i) reactor->iterate();
  }

  // Iterates until `done`, from one deadline to the next whenever nothing else is to do. Returns
  // false if that takes more than a bounded number of iterations.
  template <class Done>
  bool iterate_until(Done done, int iterations_max = 10'000) {
    script.wait_on(&clock);
    for (int i = 0; i < iterations_max && !done(); ++i) reactor->iterate();
    script.wait_on(nullptr);
    return done();
  }

  ScriptedClock clock;
  std::unique_ptr<Reactor> reactor = std::move(*Reactor::open(clock));
  ScriptedRing& script = ScriptedRing::current();
};

}  // namespace picortex::test
