#pragma once

#include <cstdint>

namespace picortex::test {

// How often this process has asked for heap memory, by operator new or by malloc and its kin. Only
// for the executable that links allocation_counter.cpp, which puts itself in front of the C
// library's.
std::uint64_t allocations() noexcept;

}  // namespace picortex::test
