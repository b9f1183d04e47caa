#pragma once

#include <cstdint>
#include <string>

namespace picortex {

// A bar of at most `width` columns for `number`, where the largest number has all of them: eighths
// of a block (U+2588 to U+258F), and never nothing for a number above 0.
std::string bar(std::int64_t number, std::int64_t largest, int width);

}  // namespace picortex
