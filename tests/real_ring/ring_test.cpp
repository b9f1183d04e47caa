#include <poll.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "reactor/reactor.h"

using namespace picortex;

namespace {

struct Readable {
  void on_poll(const Completion&) noexcept { ++count; }

  Operation operation = Operation::to<&Readable::on_poll>(*this);
  int count = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(ring)

BOOST_AUTO_TEST_CASE(says_that_something_has_happened_before_it_is_asked_for) {
  auto reactor = Reactor::open();
  BOOST_REQUIRE(reactor.has_value());
  Ring& ring = (*reactor)->ring();
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  Readable readable;
  ring.poll(readable.operation, ends[0], POLLIN);
  ring.submit();
  BOOST_TEST(!ring.has_completions());
  BOOST_REQUIRE(write(ends[1], "x", 1) == 1);
  BOOST_TEST(ring.has_completions());
  BOOST_TEST(readable.count == 0);
  (*reactor)->iterate();
  BOOST_TEST(readable.count == 1);
  BOOST_TEST(!ring.has_completions());
  close(ends[0]);
  close(ends[1]);
}

BOOST_AUTO_TEST_SUITE_END()
