#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace picortex {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "picortex: bug: CHECK(%s) failed at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace picortex
