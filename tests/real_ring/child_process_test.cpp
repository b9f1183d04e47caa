#include "reactor/child_process.h"

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/real_ring/ring_fixture.h"

using namespace picortex;

namespace {

struct ChildProcessFixture : test::RingFixture {
  ChildProcessFixture() {
    if (reactor == nullptr) return;
    reactor->add(limits);
    child = std::make_unique<ChildProcess>(
        *reactor, limits, Callback<const ChildExit&>::to<&ChildProcessFixture::on_exit>(*this));
  }

  void on_exit(const ChildExit& exit) noexcept {
    last = exit;
    error_text = exit.error_text;
    ++exits;
  }

  bool run(const std::string& script, std::vector<std::string> variables = {}) {
    const std::vector<std::string> command{"sh", "-c", script};
    const int before = exits;
    if (auto started = child->start(command, variables); !started) return false;
    return iterate_until([&] { return exits > before; });
  }

  DeadlineList limits{std::chrono::milliseconds(300)};
  std::unique_ptr<ChildProcess> child;
  ChildExit last;
  std::string error_text;
  int exits = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(child_process, ChildProcessFixture)

BOOST_AUTO_TEST_CASE(reports_the_exit_status_and_what_was_on_stderr) {
  if (reactor == nullptr) return;
  BOOST_TEST(run("echo out; echo why >&2; exit 7"));
  BOOST_TEST(last.status == 7);
  BOOST_TEST(last.signal == 0);
  BOOST_TEST(!last.timed_out);
  BOOST_TEST(error_text == "why\n");
  BOOST_TEST(child->is_idle());
}

BOOST_AUTO_TEST_CASE(reports_the_signal_that_ended_it) {
  if (reactor == nullptr) return;
  BOOST_TEST(run("kill -TERM $$"));
  BOOST_TEST(last.signal == SIGTERM);
}

BOOST_AUTO_TEST_CASE(its_variables_win_over_inherited_ones) {
  if (reactor == nullptr) return;
  setenv("PICORTEX_TEST_NAME", "inherited", 1);
  setenv("PICORTEX_TEST_NAME_LONGER", "kept", 1);
  BOOST_TEST(run("env | grep ^PICORTEX_TEST_NAME | sort >&2", {"PICORTEX_TEST_NAME=given"}));
  BOOST_TEST(error_text == "PICORTEX_TEST_NAME=given\nPICORTEX_TEST_NAME_LONGER=kept\n");
  unsetenv("PICORTEX_TEST_NAME");
  unsetenv("PICORTEX_TEST_NAME_LONGER");
}

BOOST_AUTO_TEST_CASE(starts_with_no_signal_blocked_or_ignored) {
  if (reactor == nullptr) return;
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto handler_before = std::signal(SIGPIPE, SIG_IGN);
  // Without the two that glibc keeps for itself, 32 and 33.
  BOOST_TEST(
      run("grep -E '^Sig(Blk|Ign)' /proc/self/status | sed 's/0000000180000000/"
          "0000000000000000/' >&2"));
  std::signal(SIGPIPE, handler_before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  BOOST_TEST(error_text == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

BOOST_AUTO_TEST_CASE(what_takes_too_long_is_killed_with_its_children) {
  if (reactor == nullptr) return;
  BOOST_TEST(run("sleep 60 & echo $! >&2; wait"));
  BOOST_TEST(last.timed_out);
  BOOST_TEST(last.signal == SIGKILL);
  // The grandchild is gone, or a zombie that its new parent has not waited for yet.
  const std::string probe =
      "grep -qs '^State:.*[RSD] ' /proc/" + error_text.substr(0, error_text.find('\n')) + "/status";
  BOOST_TEST(
      run("for i in 1 2 3 4 5 6 7 8 9; do " + probe + " || exit 0; sleep 0.02; done; exit 1"));
  BOOST_TEST(last.status == 0);
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_an_error_at_once) {
  if (reactor == nullptr) return;
  const std::vector<std::string> command{"picortex-no-such-program"};
  const auto started = child->start(command, {});
  BOOST_REQUIRE(!started.has_value());
  BOOST_TEST(started.error().what.find("picortex-no-such-program") != std::string::npos);
  BOOST_TEST(child->is_idle());
  BOOST_TEST(run("exit 0"));
}

BOOST_AUTO_TEST_CASE(kill_ends_it_and_its_handler_still_runs) {
  if (reactor == nullptr) return;
  const std::vector<std::string> command{"sleep", "60"};
  BOOST_REQUIRE(child->start(command, {}).has_value());
  child->kill();
  BOOST_TEST(iterate_until([&] { return exits == 1; }));
  BOOST_TEST(last.signal == SIGKILL);
  BOOST_TEST(!last.timed_out);
}

BOOST_AUTO_TEST_SUITE_END()
