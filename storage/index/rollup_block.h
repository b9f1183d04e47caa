#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/level.h"
#include "base/time/durations.h"

namespace picortex {

inline constexpr std::int64_t kRollupDayMs = 24 * kHourMs;

// Whose events a row of the table `rollup` counts: those of one chat by its number, or these.
inline constexpr std::int64_t kAllChats = -1;
inline constexpr std::int64_t kNoChat = 0;

// The key of a row: a day of UTC (in days since 1970) and a chat. So the rows of a day are
// neighbours, and that of all chats is the first of them.
constexpr std::int64_t rollup_place(std::int64_t day, std::int64_t chat) noexcept {
  constexpr std::int64_t kChatMax = (std::int64_t{1} << 41) - 2;
  return day << 41 | ((chat > kChatMax ? kChatMax : chat) + 1);
}
constexpr std::int64_t day_of_place(std::int64_t place) noexcept { return place >> 41; }
constexpr std::int64_t chat_of_place(std::int64_t place) noexcept {
  return (place & ((std::int64_t{1} << 41) - 1)) - 1;
}

// How many events of one hour of the day have a level and a type.
struct RollupCount {
  std::uint8_t hour = 0;
  Level level = Level::info;
  std::int64_t type = 0;
  std::int64_t count = 0;
};

// The counts of one row, ordered by hour, level and type:
//
//   row   = *count
//   count = varint(hours since the count before * 6 + level) varint(type) varint(count)
//
// with levels from 0 (trace) to 5 (fatal), and at most kRollupCountsMax counts.
inline constexpr std::size_t kRollupCountsMax = 1'000'000;
std::string encode_rollup(const std::vector<RollupCount>& counts);
// Appends to `counts`. False: it is no row.
bool decode_rollup(std::string_view bytes, std::vector<RollupCount>& counts);

// Adds `added`, whose counts may be negative, to `counts`, both ordered. What comes to nothing
// goes.
void merge_rollup(std::vector<RollupCount>& counts, const std::vector<RollupCount>& added);

// The order of the counts in a row.
bool comes_first(const RollupCount& left, const RollupCount& right) noexcept;

}  // namespace picortex
