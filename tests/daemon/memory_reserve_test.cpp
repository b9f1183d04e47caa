#include "daemon/memory_reserve.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(memory_reserve)

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kHasOwnHeap = true;  // the sanitizer's, which a limit on address space ends
#else
constexpr bool kHasOwnHeap = false;
#endif

// Exit status of a child that runs `body` with `room` more bytes of address space than it has.
template <class Body>
int status_with_room(std::size_t room, Body body) {
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    close(STDERR_FILENO);
    long pages = 0;
    std::FILE* statm = std::fopen("/proc/self/statm", "r");
    if (statm == nullptr || std::fscanf(statm, "%ld", &pages) != 1) _exit(100);
    std::fclose(statm);
    const auto size = static_cast<rlim_t>(pages) * 4096 + room;
    const rlimit limit{size, size};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(101);
    _exit(body());
  }
  int status = 0;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_shortage_uses_the_reserve_and_a_second_one_ends_the_process) {
  if (kHasOwnHeap) {
    BOOST_TEST_MESSAGE("not with the sanitizer's own heap");
    return;
  }
  const auto fill = [](MemoryReserve& reserve, std::vector<std::unique_ptr<char[]>>& blocks) {
    while (reserve.is_whole()) blocks.push_back(std::make_unique<char[]>(1 << 20));
  };
  const int used = status_with_room(64 << 20, [&] {
    MemoryReserve reserve;
    std::vector<std::unique_ptr<char[]>> blocks;
    if (!reserve.is_whole()) return 2;
    fill(reserve, blocks);
    if (reserve.refill()) return 3;  // there is no room for it yet
    blocks.clear();
    return reserve.refill() && reserve.is_whole() ? 0 : 4;
  });
  BOOST_TEST(used == 0);
  const int exhausted = status_with_room(64 << 20, [&] {
    MemoryReserve reserve;
    std::vector<std::unique_ptr<char[]>> blocks;
    fill(reserve, blocks);
    while (true) blocks.push_back(std::make_unique<char[]>(1 << 20));
    return 0;
  });
  BOOST_TEST(exhausted == EXIT_FAILURE);
}

BOOST_AUTO_TEST_CASE(one_block_larger_than_all_there_is_ends_the_process) {
  if (kHasOwnHeap) {
    BOOST_TEST_MESSAGE("not with the sanitizer's own heap");
    return;
  }
  const int status = status_with_room(64 << 20, [] {
    MemoryReserve reserve;
    const auto block = std::make_unique<char[]>(std::size_t{1} << 30);
    return block != nullptr ? 0 : 5;
  });
  BOOST_TEST(status == EXIT_FAILURE);
}

BOOST_AUTO_TEST_SUITE_END()
