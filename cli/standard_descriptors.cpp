#include "cli/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace picortex {

bool occupy_standard_descriptors() noexcept {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // All numbers below `number` are open, so open() returns this one. It stays open over exec,
    // since programs that are started need it as well.
    const int opened = open("/dev/null", O_RDWR);
    if (opened < 0) return false;
    if (opened != number) {
      close(opened);
      errno = EBADF;
      return false;
    }
  }
  return true;
}

}  // namespace picortex
