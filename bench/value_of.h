#pragma once

#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "storage/sqlite/database.h"

namespace picortex {

// Returns the value, or ends the bench with the fault's text.
template <class T>
T value_of(StoreResult<T> result) {
  if (!result) {
    std::fprintf(stderr, "bench: %s\n", result.error().what.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace picortex
