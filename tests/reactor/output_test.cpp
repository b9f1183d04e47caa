#include "reactor/output.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "reactor/reactor.h"
#include "tests/support/scripted_ring.h"

using namespace picortex;
using test::Request;
using test::ScriptedRing;

namespace {

constexpr int kFile = 1;

struct OutputFixture {
  OutputFixture() : reactor(*Reactor::open()), script(ScriptedRing::current()) {}
  ~OutputFixture() {
    output.abandon();
    reactor->turn();
  }

  std::string being_written() { return script.request(Request::Kind::write, kFile).bytes; }
  void end_write(int result) {
    script.complete(Request::Kind::write, kFile, result);
    reactor->turn();
  }

  std::unique_ptr<Reactor> reactor;
  ScriptedRing& script;
  Output output{*reactor, kFile, 80};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(output, OutputFixture)

BOOST_AUTO_TEST_CASE(lines_of_a_turn_leave_in_one_write) {
  BOOST_TEST(output.append("one\n", false));
  BOOST_TEST(output.append("two\n", true));
  BOOST_TEST(!script.is_asked(Request::Kind::write));
  output.flush();
  BOOST_TEST(being_written() == "one\ntwo\n");
  BOOST_TEST(output.bytes_waiting() == 8u);
  end_write(8);
  BOOST_TEST(output.is_idle());
  BOOST_TEST(output.bytes_waiting() == 0u);
}

BOOST_AUTO_TEST_CASE(one_write_at_a_time) {
  output.append("one\n", false);
  output.flush();
  output.append("two\n", false);
  output.flush();
  BOOST_TEST(script.count(Request::Kind::write) == 1u);
  end_write(4);
  BOOST_TEST(!output.is_idle());
  output.flush();
  BOOST_TEST(being_written() == "two\n");
}

BOOST_AUTO_TEST_CASE(a_short_write_goes_on_where_it_stopped) {
  output.append("abcdefgh\n", false);
  output.flush();
  end_write(3);
  BOOST_TEST(being_written() == "defgh\n");
  end_write(-EINTR);
  BOOST_TEST(being_written() == "defgh\n");
  end_write(6);
  BOOST_TEST(output.is_idle());
  BOOST_TEST(output.lines_dropped() == 0u);
}

BOOST_AUTO_TEST_CASE(unimportant_lines_are_dropped_first_and_all_are_bounded) {
  const std::string line(9, 'x');
  int taken = 0;
  while (output.append(line + "\n", false)) ++taken;
  BOOST_TEST(taken == 7);
  BOOST_TEST(output.append(line + "\n", true));
  BOOST_TEST(!output.append("\n", false));
  BOOST_TEST(!output.append(line + "\n", true));
  BOOST_TEST(output.lines_dropped() == 3u);
  BOOST_TEST(output.bytes_waiting() == 80u);
}

BOOST_AUTO_TEST_CASE(a_full_buffer_takes_lines_again_once_it_was_written) {
  while (output.append("0123456789\n", true)) {
  }
  output.flush();
  const auto size = static_cast<int>(being_written().size());
  BOOST_TEST(output.append("0123456789\n", false));
  end_write(size);
  BOOST_TEST(output.lines_dropped() == 1u);
}

BOOST_AUTO_TEST_CASE(lines_that_nobody_reads_any_more_are_counted) {
  output.append("one\ntwo\nthree\n", false);
  output.flush();
  end_write(5);
  end_write(-EPIPE);
  BOOST_TEST(output.lines_dropped() == 2u);
  BOOST_TEST(output.is_idle());
}

BOOST_AUTO_TEST_CASE(abandoning_waits_for_the_write_in_flight_alone) {
  output.append("one\n", false);
  output.flush();
  output.append("two\n", false);
  output.abandon();
  BOOST_TEST(!output.is_idle());
  reactor->turn();
  BOOST_TEST(output.is_idle());
  BOOST_TEST(!output.append("three\n", true));
  output.flush();
  BOOST_TEST(!script.is_asked(Request::Kind::write));
}

BOOST_AUTO_TEST_SUITE_END()
