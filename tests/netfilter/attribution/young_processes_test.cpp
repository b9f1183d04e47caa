#include "netfilter/attribution/young_processes.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(young_processes)

namespace {

constexpr Instant kStart{std::chrono::hours(1)};

// A process that sleeps until its end here.
struct Child {
  Child() : pid(fork()) {
    if (pid == 0) {
      pause();
      _exit(0);
    }
  }
  ~Child() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }

  pid_t pid;
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_latest_pid_is_the_last_number) {
  BOOST_TEST(latest_pid_in("0.20 0.18 0.12 1/80 11206\n") == 11206);
  BOOST_TEST(latest_pid_in("1 2") == 2);
  for (const char* bad : {"", "\n", "7", "0.20 ", "1/80 x\n", "1/80 99999999999999\n"}) {
    BOOST_TEST(latest_pid_in(bad) == 0, bad);
  }
}

BOOST_AUTO_TEST_CASE(a_process_that_has_just_started_is_among_the_last) {
  YoungProcesses young;
  for (int i = 0; i < 3; ++i) {
    const Child child;
    const auto pids = young.list(kStart + i * std::chrono::hours(1));
    BOOST_TEST(pids.size() <= static_cast<std::size_t>(YoungProcesses::kMax));
    BOOST_REQUIRE(!pids.empty());
    // Unless as many others have started since.
    BOOST_TEST((std::ranges::binary_search(pids, child.pid) || pids.front() > child.pid));
    BOOST_TEST(std::ranges::is_sorted(pids));
  }
}

BOOST_AUTO_TEST_CASE(what_started_long_ago_is_not) {
  YoungProcesses young;
  BOOST_TEST(young.list(2, kStart) == (std::vector<pid_t>{1, 2}), boost::test_tools::per_element());
  const Instant late = kStart + YoungProcesses::kTime;
  BOOST_TEST(young.list(2, late - std::chrono::milliseconds(1)).size() == 2u);
  BOOST_TEST(young.list(2, late).empty());
  // One more starts.
  const auto pids = young.list(100, late);
  BOOST_TEST(pids.size() == static_cast<std::size_t>(YoungProcesses::kMax));
  BOOST_TEST(pids.back() == 100);
  BOOST_TEST(young.list(0, late).empty());
}

BOOST_AUTO_TEST_SUITE_END()
