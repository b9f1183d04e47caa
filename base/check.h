#pragma once

namespace picortex {

// Ends the process with one line on stderr. A failed CHECK is a bug in picortex, never bad input.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace picortex

// An invariant that must hold in every build, including release: it often protects memory that the
// kernel may still be writing to.
#define CHECK(condition)                                \
  (__builtin_expect(static_cast<bool>(condition), true) \
       ? static_cast<void>(0)                           \
       : ::picortex::check_failed(#condition, __FILE__, __LINE__))
