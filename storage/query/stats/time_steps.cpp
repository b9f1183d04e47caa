#include "storage/query/stats/time_steps.h"

#include <ctime>

#include "storage/index/rollup_block.h"

namespace picortex {
namespace {

constexpr std::int64_t kQuarterMs = kHourMs / 4;

// The rest is never negative.
std::int64_t floor_to(std::int64_t number, std::int64_t step) noexcept {
  const std::int64_t rest = number % step;
  return number - (rest < 0 ? rest + step : rest);
}

}  // namespace

TimeSteps TimeSteps::every(std::int64_t step_ms, std::int64_t offset_ms) noexcept {
  TimeSteps steps(Kind::fixed);
  steps.step_ms_ = step_ms;
  steps.offset_ms_ = offset_ms;
  return steps;
}

TimeSteps TimeSteps::local_hours() noexcept { return TimeSteps(Kind::local_hours); }

TimeSteps TimeSteps::local_days() noexcept { return TimeSteps(Kind::local_days); }

std::int64_t TimeSteps::begin_of(std::int64_t time_ms) noexcept {
  if (kind_ == Kind::fixed) return floor_to(time_ms + offset_ms_, step_ms_) - offset_ms_;
  // No zone changes within a quarter of an hour of UTC, so one answer holds for all of it.
  if (time_ms < known_from_ms_ || time_ms > known_to_ms_) {
    known_from_ms_ = floor_to(time_ms, kQuarterMs);
    known_to_ms_ = known_from_ms_ + kQuarterMs - 1;
    known_begin_ms_ = begin_of_local(known_from_ms_);
  }
  return known_begin_ms_;
}

std::int64_t TimeSteps::begin_of_local(std::int64_t time_ms) const noexcept {
  const time_t seconds = time_ms / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  if (kind_ == Kind::local_hours) {
    return time_ms - ((local.tm_min * 60 + local.tm_sec) * 1000 + time_ms % 1000);
  }
  local.tm_hour = local.tm_min = local.tm_sec = 0;
  local.tm_isdst = -1;
  return static_cast<std::int64_t>(mktime(&local)) * 1000;
}

bool TimeSteps::divides_hour(std::int64_t hour_ms) noexcept {
  const std::int64_t first = begin_of(hour_ms);
  if (kind_ == Kind::fixed) return begin_of(hour_ms + kHourMs - 1) != first;
  for (int quarter = 1; quarter < 4; ++quarter) {
    if (begin_of(hour_ms + quarter * kQuarterMs) != first) return true;
  }
  return false;
}

}  // namespace picortex
