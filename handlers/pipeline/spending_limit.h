#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// An amount of US dollars within a time, written as in "5/1d" or "0.50/1h".
//
//   limit    = dollars "/" duration
//   dollars  = number [ "." 1*6digit ]            up to a million
//   duration = number ( "m" | "h" | "d" )         from 1 minute to 7 days
struct SpendingLimit {
  static constexpr std::int64_t kMicrosMax = 1'000'000'000'000;
  static constexpr std::int64_t kWindowMaxMs = 7 * 86'400'000LL;

  std::int64_t cost_micros = 0;  // in millionths of a dollar
  std::int64_t window_ms = 0;

  bool operator==(const SpendingLimit&) const = default;
};

// The error says what is wrong with the text.
Result<SpendingLimit> parse_spending_limit(std::string_view text);

// "$5.02": rounded down to the cent, or to the hundredth of a cent below one cent.
std::string dollars_text(std::int64_t micros);
// "1d", "90m": the largest unit of which it is a whole number.
std::string window_text(std::int64_t window_ms);

}  // namespace picortex
