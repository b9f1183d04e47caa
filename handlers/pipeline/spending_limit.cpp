#include "handlers/pipeline/spending_limit.h"

#include <cstdio>
#include <optional>

#include "base/parse.h"

namespace picortex {
namespace {

constexpr std::int64_t kMicrosPerDollar = 1'000'000;
constexpr DurationUnit kWindowUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}};

std::optional<std::int64_t> parse_micros(std::string_view text) noexcept {
  constexpr std::size_t kDecimalsMax = 6;
  const std::size_t point = text.find('.');
  const auto whole = parse_whole<std::int64_t>(text.substr(0, point), 0,
                                               SpendingLimit::kMicrosMax / kMicrosPerDollar);
  if (!whole) return std::nullopt;
  if (point == text.npos) return *whole * kMicrosPerDollar;
  const std::string_view decimals = text.substr(point + 1);
  if (decimals.size() > kDecimalsMax) return std::nullopt;
  auto part = parse_whole<std::int64_t>(decimals, 0);
  if (!part) return std::nullopt;
  for (std::size_t i = decimals.size(); i < kDecimalsMax; ++i) *part *= 10;
  return *whole * kMicrosPerDollar + *part;
}

}  // namespace

Result<SpendingLimit> parse_spending_limit(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return failure("it is not an amount and a time such as 5/1d");
  const auto micros = parse_micros(text.substr(0, slash));
  if (!micros) {
    return failure('\'' + std::string(text.substr(0, slash)) +
                   "' is not a number of US dollars such as 5 or 0.50, up to 1000000");
  }
  const auto window = parse_duration(text.substr(slash + 1), kWindowUnits, kWindowUnits[2].ms,
                                     SpendingLimit::kWindowMaxMs);
  if (!window) {
    return failure('\'' + std::string(text.substr(slash + 1)) +
                   "' is not a duration such as 30m, 1h or 1d, from 1m to 7d");
  }
  return SpendingLimit{.cost_micros = *micros, .window_ms = *window};
}

std::string dollars_text(std::int64_t micros) {
  // Rounded down, so that a limit that is not reached never reads as if it were.
  const bool is_small = micros < kMicrosPerDollar / 100;
  const std::int64_t unit = is_small ? kMicrosPerDollar / 10'000 : kMicrosPerDollar / 100;
  char text[48];
  std::snprintf(text, sizeof text, "$%.*f", is_small ? 4 : 2,
                static_cast<double>(micros / unit * unit) / kMicrosPerDollar);
  return text;
}

std::string window_text(std::int64_t window_ms) {
  for (const DurationUnit& unit : kWindowUnits) {
    if (window_ms % unit.ms == 0) {
      return std::to_string(window_ms / unit.ms) + std::string(unit.suffix);
    }
  }
  return std::to_string(window_ms) + "ms";
}

}  // namespace picortex
