#include <boost/test/unit_test.hpp>
#include <csignal>
#include <vector>

#include "reactor/child_process.h"

using namespace picortex;

namespace {

struct ChildInputFixture {
  ChildInputFixture() : reactor(std::move(*Reactor::open())), limits(std::chrono::seconds(5)) {
    std::signal(SIGPIPE, SIG_IGN);
    reactor->add(limits);
  }

  void run(const std::string& script, std::string input) {
    const std::vector<std::string> arguments{"sh", "-c", script};
    BOOST_REQUIRE(child.start(arguments, {}, std::move(input)).has_value());
    while (!child.is_idle()) reactor->iterate();
  }

  void on_exit(const ChildExit& exit) noexcept {
    ++exits;
    status = exit.status;
    timed_out = exit.timed_out;
    error_text = exit.error_text;
  }

  std::unique_ptr<Reactor> reactor;
  DeadlineList limits;
  ChildProcess child{*reactor, limits,
                     Callback<const ChildExit&>::to<&ChildInputFixture::on_exit>(*this)};
  int exits = 0;
  int status = -1;
  bool timed_out = false;
  std::string error_text;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(child_input, ChildInputFixture)

BOOST_AUTO_TEST_CASE(a_child_reads_its_input_to_the_end) {
  run("wc -c >&2", std::string(500'000, 'x'));  // more than a pipe holds
  BOOST_TEST(exits == 1);
  BOOST_TEST(std::stoi(error_text) == 500'000);
}

BOOST_AUTO_TEST_CASE(a_child_without_input_reads_nothing) {
  run("wc -c >&2", "");
  BOOST_TEST(std::stoi(error_text) == 0);
}

BOOST_AUTO_TEST_CASE(a_child_that_reads_nothing_ends_nevertheless) {
  run("exit 3", std::string(500'000, 'x'));
  BOOST_TEST(exits == 1);
  BOOST_TEST(status == 3);
}

BOOST_AUTO_TEST_CASE(input_that_another_process_holds_open_does_not_keep_it_busy) {
  // The grandchild keeps the pipe's reading end for longer than the test may take.
  run("exec 3<&0; sleep 3 <&3 >/dev/null 2>&1 & exit 4", std::string(500'000, 'x'));
  BOOST_TEST(exits == 1);
  BOOST_TEST(status == 4);
  BOOST_TEST(!timed_out);
}

BOOST_AUTO_TEST_CASE(one_object_runs_child_after_child) {
  run("cat >&2", "first");
  BOOST_TEST(error_text == "first");
  run("cat >&2", "second");
  BOOST_TEST(error_text == "second");
  BOOST_TEST(exits == 2);
}

BOOST_AUTO_TEST_SUITE_END()
