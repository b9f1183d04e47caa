#include "handlers/ingest/telemetry_budget.h"

#include <algorithm>

#include "base/time/durations.h"

namespace picortex {
namespace {

constexpr double kMinute = kMinuteMs;

}  // namespace

TelemetryBudget::TelemetryBudget(std::uint32_t events_per_minute) noexcept {
  set_limit(events_per_minute);
  events_ = events_per_ms_ * kMinute;
}

void TelemetryBudget::set_limit(std::uint32_t events_per_minute) noexcept {
  limit_ = events_per_minute;
  events_per_ms_ = events_per_minute / kMinute;
  events_ = std::min(events_, events_per_ms_ * kMinute);
}

bool TelemetryBudget::has_room(std::int64_t now_ms) noexcept {
  if (events_per_ms_ == 0) return true;
  events_ = left_at(now_ms);
  refilled_ms_ = now_ms;
  return events_ > 0;
}

// An event of more than kBytesPerEvent counts as several.
void TelemetryBudget::spend(std::size_t events, std::size_t bytes) noexcept {
  const double by_size = static_cast<double>(bytes) / kBytesPerEvent;
  events_ -= std::max(static_cast<double>(events), by_size);
}

double TelemetryBudget::left_at(std::int64_t now_ms) const noexcept {
  const std::int64_t passed_ms = std::max<std::int64_t>(now_ms - refilled_ms_, 0);
  return std::min(events_ + static_cast<double>(passed_ms) * events_per_ms_,
                  events_per_ms_ * kMinute);
}

std::optional<std::int64_t> TelemetryBudget::left(std::int64_t now_ms) const noexcept {
  if (limit_ == 0) return std::nullopt;
  return static_cast<std::int64_t>(left_at(now_ms));
}

}  // namespace picortex
