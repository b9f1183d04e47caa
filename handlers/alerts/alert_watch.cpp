#include "handlers/alerts/alert_watch.h"

#include <algorithm>
#include <limits>

namespace picortex {

AlertWatch::State::State(AlertRule made, std::int64_t now_ms)
    : rule(std::move(made)),
      bucket(bucket_of(now_ms)),
      seen_ms(now_ms),
      reported_ms(std::numeric_limits<std::int64_t>::min() / 2) {}

void AlertWatch::State::roll(std::int64_t now_ms) noexcept {
  const std::int64_t newest = bucket_of(now_ms);
  const std::int64_t passed = std::min<std::int64_t>(newest - bucket, kBuckets);
  for (std::int64_t i = 1; i <= passed; ++i) {
    std::uint32_t& leaving = buckets[static_cast<std::size_t>(bucket + i) % kBuckets];
    total -= std::exchange(leaving, 0);
  }
  if (passed > 0) bucket = newest;
}

bool AlertWatch::State::is_due(std::int64_t now_ms) const noexcept {
  if (now_ms - reported_ms < rule.cooldown_ms) return false;
  if (rule.trigger == AlertRule::Trigger::rate) return total > rule.count;
  return !is_silence_reported && now_ms - seen_ms > rule.window_ms;
}

AlertFinding AlertWatch::State::finding(std::int64_t now_ms) const noexcept {
  return {.count = total, .silent_ms = now_ms - seen_ms};
}

void AlertWatch::adopt(std::vector<AlertRule> rules, std::int64_t now_ms) {
  if (std::ranges::equal(rules, states_, {}, &AlertRule::text,
                         [](const State& state) { return state.rule.text; })) {
    return;
  }
  states_.clear();
  for (AlertRule& rule : rules) states_.emplace_back(std::move(rule), now_ms);
}

void AlertWatch::append(const Event& event) noexcept {
  for (State& state : states_) state.pending += state.rule.fits(event) ? 1 : 0;
}

void AlertWatch::publish(const ClockReading& now) noexcept {
  const std::int64_t now_ms = now.monotonic_ms();
  for (State& state : states_) {
    if (state.pending == 0) continue;
    state.roll(now_ms);
    state.buckets[static_cast<std::size_t>(state.bucket) % kBuckets] += state.pending;
    state.total += std::exchange(state.pending, 0);
    state.seen_ms = now_ms;
    state.is_silence_reported = false;
  }
}

void AlertWatch::discard() noexcept {
  for (State& state : states_) state.pending = 0;
}

}  // namespace picortex
