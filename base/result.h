#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <type_traits>
#include <utility>

namespace picortex {

// What went wrong while something was being set up, in one line for a person: what failed, why, and
// the fix if there is one. `code` is the errno that caused it, 0 if there is none.
struct Error {
  std::string what;
  int code = 0;
};

// The value, or the reason why there is none. For set-up; at run time a completion's negative errno
// is decided in its handler.
template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string what, int code = 0) {
  return std::unexpected(Error{std::move(what), code});
}

// A failure of the system call made last: adds errno's text to what could not be done.
inline std::unexpected<Error> errno_failure(const std::string& what) {
  const int code = errno;
  return failure(what + ": " + std::strerror(code), code);
}

// Moves the value out of a result that has one. Only TRY calls it: the macro needs a prvalue, since
// the result that it looks at ends with its statement.
template <class T, class E>
T taken_value(std::expected<T, E>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace picortex

// The value of an expression whose type is Result<T> or StoreResult<T>. If there is none, returns
// its error from the enclosing function. A statement expression of GCC and Clang, because a macro
// is the only way to return from the caller.
#define TRY(...)                                                            \
  __extension__({                                                           \
    auto try_result = (__VA_ARGS__);                                        \
    if (!try_result) return std::unexpected(std::move(try_result).error()); \
    ::picortex::taken_value(std::move(try_result));                         \
  })
