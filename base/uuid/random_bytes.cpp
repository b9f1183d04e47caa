#include "base/uuid/random_bytes.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace picortex {
namespace {

[[noreturn]] void end_without_random(int error) noexcept {
  std::fprintf(stderr,
               "picortex: no random numbers: getrandom(2) failed (%s) and /dev/urandom cannot be "
               "read; allow getrandom in the seccomp filter\n",
               std::strerror(error));
  std::_Exit(EXIT_FAILURE);
}

// Opened at first use and kept, so that a later shortage of descriptors is harmless.
int urandom() noexcept {
  static const int descriptor = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  return descriptor;
}

}  // namespace

void fill_random(std::span<std::byte> bytes) noexcept {
  // Up to 256 bytes are returned whole; a signal may shorten a larger request.
  while (!bytes.empty()) {
    ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    const int error = errno;
    if (got < 0 && urandom() >= 0) got = read(urandom(), bytes.data(), bytes.size());
    if (got <= 0) end_without_random(error);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace picortex
