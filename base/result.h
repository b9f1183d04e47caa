#pragma once

#include <expected>
#include <string>
#include <utility>

namespace picortex {

// What went wrong while something was being set up, in one line for a person: what failed, why, and
// the mend where there is one. `code` is the errno behind it, 0 when there is none.
struct Error {
  std::string what;
  int code = 0;
};

// The value or the reason there is none. For set-up; at run time a completion's negative errno is
// decided in its handler.
template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string what, int code = 0) {
  return std::unexpected(Error{std::move(what), code});
}

}  // namespace picortex
