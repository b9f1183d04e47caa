#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "reactor/log.h"
#include "reactor/output.h"
#include "reactor/reactor.h"

namespace picortex {

// A loop and a log whose lines go into a file of the test's own.
struct LoopFixture {
  LoopFixture() {
    std::signal(SIGPIPE, SIG_IGN);
    BOOST_REQUIRE(descriptor >= 0);
  }
  ~LoopFixture() {
    close(descriptor);
    unlink(path.c_str());
  }

  std::string lines() {
    log.flush();
    while (!output.is_idle()) reactor->iterate();
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  std::string path = "/tmp/picortex-log-XXXXXX";
  int descriptor = mkostemp(path.data(), O_CLOEXEC);
  std::unique_ptr<Reactor> reactor = std::move(*Reactor::open());
  Output output{*reactor, descriptor, 1 << 20};
  Log log{*reactor, output, {.level = Level::debug}};
};

}  // namespace picortex
