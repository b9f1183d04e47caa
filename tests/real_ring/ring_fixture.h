#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

#include "reactor/reactor.h"

namespace picortex::test {

// A loop on the kernel's io_uring. Where that is denied, each test says so in one line and ends.
struct RingFixture {
  RingFixture() {
    auto opened = Reactor::open();
    if (opened) {
      reactor = std::move(*opened);
    } else {
      std::fprintf(stderr, "skipped: %s\n", opened.error().what.c_str());
    }
  }

  // Turns until `done`, for 10 seconds at most.
  template <class Done>
  bool iterate_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < limit) reactor->iterate();
    return done();
  }

  std::unique_ptr<Reactor> reactor;
};

}  // namespace picortex::test
