#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace picortex {

// Which records of one run of a process have come, as ranges of their numbers: "0-17,19-40", in
// order, without overlaps or neighbours. Text from a damaged database is read up to what is wrong.

inline constexpr std::size_t kRunRangesMax = 64;  // of one run

// Adding a number that is in it changes nothing. Returns false if it would need more than
// kRunRangesMax ranges; then it is left as it was.
bool add_to_ranges(std::string& ranges, std::uint32_t number);
// Returns how many numbers are missing between the first (0 if `from_zero`) and the last.
std::int64_t missing_in_ranges(std::string_view ranges, bool from_zero);

}  // namespace picortex
