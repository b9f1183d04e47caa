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

#include "reactor/reactor.h"

using namespace picortex;

namespace {

// From now on io_uring_setup(2) fails with `error`, as a container's seccomp filter has it.
bool forbid_io_uring(unsigned error) {
  std::array<sock_filter, 4> filter{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What a process that io_uring is refused to is told.
std::string told_when_refused(unsigned error) {
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    std::string told = "the filter could not be set";
    if (forbid_io_uring(error)) {
      const auto reactor = Reactor::open();
      told = reactor ? "not refused" : reactor.error().what;
    }
    _exit(write(ends[1], told.data(), told.size()) == static_cast<ssize_t>(told.size()) ? 0 : 1);
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

BOOST_AUTO_TEST_SUITE(refusal)

BOOST_AUTO_TEST_CASE(a_seccomp_filter_is_named_with_its_mend) {
  const std::string told = told_when_refused(EPERM);
  BOOST_TEST(told.starts_with("the kernel refuses io_uring: io_uring is forbidden here"), told);
  BOOST_TEST(told.find("kernel.io_uring_disabled") != std::string::npos, told);
  BOOST_TEST(told.find('\n') == std::string::npos, told);
}

BOOST_AUTO_TEST_CASE(a_kernel_without_io_uring_is_told_the_version_needed) {
  const std::string told = told_when_refused(ENOSYS);
  BOOST_TEST(told.find("Linux 6.1 or newer is needed") != std::string::npos, told);
}

BOOST_AUTO_TEST_SUITE_END()
