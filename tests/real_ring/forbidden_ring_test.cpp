#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstddef>
#include <string>

#include "base/uuid/random_pool.h"
#include "reactor/reactor.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(rejection)

namespace {

// From now on the system call `number` fails with `error`, as a container's seccomp filter has it.
bool forbid(unsigned number, unsigned error) {
  std::array<sock_filter, 4> filter{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Returns the error of a process to which that call is denied.
std::string reported_when_rejected(unsigned number, unsigned error) {
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    std::string reported = "the filter could not be set";
    if (forbid(number, error)) {
      const auto reactor = Reactor::open();
      reported = reactor ? "not rejected" : reactor.error().what;
    }
    _exit(write(ends[1], reported.data(), reported.size()) == static_cast<ssize_t>(reported.size())
              ? 0
              : 1);
  }
  close(ends[1]);
  std::array<char, 1024> text;
  const ssize_t size = read(ends[0], text.data(), text.size());
  close(ends[0]);
  int status = 0;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  BOOST_REQUIRE(size > 0);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_seccomp_filter_is_named_with_its_remedy) {
  const std::string reported = reported_when_rejected(SYS_io_uring_setup, EPERM);
  BOOST_TEST(reported.starts_with("the kernel rejects io_uring: io_uring is forbidden here"),
             reported);
  BOOST_TEST(reported.find("kernel.io_uring_disabled") != std::string::npos, reported);
  BOOST_TEST(reported.find('\n') == std::string::npos, reported);
}

BOOST_AUTO_TEST_CASE(a_kernel_without_io_uring_is_reported_the_version_needed) {
  const std::string reported = reported_when_rejected(SYS_io_uring_setup, ENOSYS);
  BOOST_TEST(reported.find("Linux 6.1 or newer is needed") != std::string::npos, reported);
}

BOOST_AUTO_TEST_CASE(a_filter_that_forbids_only_one_of_the_calls_is_no_bug) {
  for (const unsigned error : {EPERM, EACCES, ENOSYS}) {
    const std::string reported = reported_when_rejected(SYS_io_uring_enter, error);
    BOOST_TEST(reported.starts_with("the kernel rejects io_uring_enter: "), reported);
    BOOST_TEST(reported.find('\n') == std::string::npos, reported);
  }
}

BOOST_AUTO_TEST_CASE(without_getrandom_the_device_gives_random_numbers) {
  for (const unsigned error : {EPERM, ENOSYS}) {
    const pid_t child = fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
      if (!forbid(SYS_getrandom, error)) _exit(2);
      RandomPool first;
      RandomPool second;
      _exit(first.next() != second.next() && first.next() != first.next() ? 0 : 3);
    }
    int status = 0;
    BOOST_REQUIRE(waitpid(child, &status, 0) == child);
    BOOST_TEST(status == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
