#pragma once

#include <string>

#include "base/result.h"

namespace picortex {

// The whole of a regular file of at most `size_max` bytes. An error names the path, the reason, and
// the errno as its code (0 when the file is too large or is not a regular one).
Result<std::string> read_small_file(const std::string& path, std::size_t size_max);

}  // namespace picortex
