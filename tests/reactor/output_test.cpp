#include "reactor/output.h"

#include <poll.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <string>

#include "tests/support/scripted_loop.h"

using namespace picortex;
using test::Request;

namespace {

constexpr int kOutput = 1;

struct OutputFixture : test::ScriptedLoop {
  ~OutputFixture() {
    output.abandon();
    reactor->iterate();
  }

  std::string being_written() { return script.request(Request::Kind::write, kOutput).bytes; }
  void end_write(int result) {
    script.complete(Request::Kind::write, kOutput, result);
    reactor->iterate();
  }

  Output output{*reactor, kOutput, 80};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(output, OutputFixture)

BOOST_AUTO_TEST_CASE(lines_of_an_iteration_leave_in_one_write) {
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

BOOST_AUTO_TEST_CASE(a_short_write_continues_where_it_stopped) {
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

BOOST_AUTO_TEST_CASE(lines_without_a_reader_are_counted) {
  output.append("one\ntwo\nthree\n", false);
  output.flush();
  end_write(5);
  end_write(-EPIPE);
  BOOST_TEST(output.lines_dropped() == 2u);
  BOOST_TEST(output.is_idle());
}

BOOST_AUTO_TEST_CASE(an_error_that_stays_costs_one_write_a_second) {
  for (const int error : {EPIPE, EBADF, EIO, ENOSPC, ECONNRESET}) {
    const std::uint64_t errors_before = output.errors();
    output.append("lost?\n", false);
    output.flush();
    end_write(-error);
    BOOST_TEST(output.errors() == errors_before + 1);
    BOOST_TEST(output.last_error() == error);
    BOOST_TEST(output.is_failing());
    // Nothing is left that could still be written: an end does not wait for it.
    BOOST_TEST(output.is_idle());
    for (int turn = 0; turn < 5; ++turn) {
      output.append("next\n", false);
      output.flush();
      reactor->iterate();
    }
    BOOST_TEST(!script.is_asked(Request::Kind::write));
    pass(Output::kRetryDelay);
    output.flush();
    const auto size = static_cast<int>(being_written().size());
    BOOST_TEST(being_written() ==
               std::string(error == ENOSPC ? "lost?\n" : "next\nnext\nnext\nnext\nnext\n"));
    end_write(size);
    BOOST_TEST(!output.is_failing());
    output.flush();
    if (script.is_asked(Request::Kind::write)) end_write(25);
  }
  BOOST_TEST(output.lines_dropped() == 4u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_tears_no_line) {
  output.append("one\ntwo\n", false);
  output.flush();
  end_write(2);
  end_write(-ENOSPC);
  output.append("three\n", true);
  pass(Output::kRetryDelay);
  output.flush();
  BOOST_TEST(being_written() == "e\ntwo\n");
  end_write(6);
  BOOST_TEST(output.lines_dropped() == 0u);
}

BOOST_AUTO_TEST_CASE(a_full_pipe_that_must_not_block_is_waited_for) {
  output.append("one\n", false);
  output.flush();
  end_write(-EAGAIN);
  BOOST_TEST(!script.is_asked(Request::Kind::write));
  BOOST_TEST(!output.is_failing());
  script.complete(Request::Kind::poll, kOutput, POLLOUT);
  reactor->iterate();
  BOOST_TEST(being_written() == "one\n");
  end_write(-EAGAIN);
  output.abandon();
  reactor->iterate();
  BOOST_TEST(output.is_idle());
}

BOOST_AUTO_TEST_CASE(a_write_of_nothing_is_an_error) {
  output.append("one\n", false);
  output.flush();
  end_write(0);
  BOOST_TEST(output.errors() == 1u);
  BOOST_TEST(!script.is_asked(Request::Kind::write));
}

BOOST_AUTO_TEST_CASE(abandoning_waits_for_the_write_in_flight_alone) {
  output.append("one\n", false);
  output.flush();
  output.append("two\n", false);
  output.abandon();
  BOOST_TEST(!output.is_idle());
  reactor->iterate();
  BOOST_TEST(output.is_idle());
  BOOST_TEST(!output.append("three\n", true));
  output.flush();
  BOOST_TEST(!script.is_asked(Request::Kind::write));
}

BOOST_AUTO_TEST_SUITE_END()
