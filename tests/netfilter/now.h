#pragma once

#include <cstdint>

namespace picortex::test {

// When the tests of the fence take place; Unix milliseconds.
inline constexpr std::int64_t kNow = 1'800'000'000'000;

}  // namespace picortex::test
