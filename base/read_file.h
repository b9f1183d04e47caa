#pragma once

#include <string>

#include "base/result.h"

namespace picortex {

// Returns the content of a regular file of at most `size_max` bytes. The error names the path and
// the reason; its code is the errno (0 if the file is too large or is not a regular one).
Result<std::string> read_small_file(const std::string& path, std::size_t size_max);

}  // namespace picortex
