#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "handlers/alerts/alert_rules.h"
#include "handlers/pipeline/event_observer.h"

namespace picortex {

// The finding of a rule.
struct AlertFinding {
  std::uint64_t count = 0;     // of a rate: events within its window
  std::int64_t silent_ms = 0;  // of a silence: since the last event, or since the rule was added
};

// Counts stored events for the operator's rules of rates and silences, by the time of their
// arrival. Costs a comparison or two for each event and rule, and allocates nothing. Times are of a
// monotonic clock, in milliseconds.
//
// A window is kBuckets parts long and moves by one of them at a time, so a rate may count events
// that are older by up to a sixtieth of it.
class AlertWatch final : public EventObserver {
 public:
  static constexpr std::size_t kBuckets = 60;
  static constexpr std::size_t kRulesMax = 64;

  // Starts again with no counts, unless the rules are the same.
  void adopt(std::vector<AlertRule> rules, std::int64_t now_ms);
  std::size_t size() const noexcept { return states_.size(); }

  void append(const Event& event) noexcept override;
  void publish(const ClockReading& now) noexcept override;
  void discard() noexcept override;

  // Calls `report(const AlertRule&, const AlertFinding&)` for each rule that fires now: a rate
  // while more events arrive than it allows, except within its cool-down; a silence once, and again
  // only after an event that broke it and after the cool-down.
  template <class Report>
  void look(std::int64_t now_ms, Report report) {
    for (State& state : states_) {
      state.roll(now_ms);
      if (!state.is_due(now_ms)) continue;
      state.reported_ms = now_ms;
      state.is_silence_reported = true;
      report(std::as_const(state.rule), state.finding(now_ms));
    }
  }

 private:
  struct State {
    State(AlertRule made, std::int64_t now_ms);
    std::int64_t bucket_of(std::int64_t now_ms) const noexcept {
      return now_ms * static_cast<std::int64_t>(kBuckets) / rule.window_ms;
    }
    void roll(std::int64_t now_ms) noexcept;
    bool is_due(std::int64_t now_ms) const noexcept;
    AlertFinding finding(std::int64_t now_ms) const noexcept;

    AlertRule rule;
    std::array<std::uint32_t, kBuckets> buckets{};
    std::int64_t bucket;        // the newest
    std::uint64_t total = 0;    // of all buckets
    std::uint32_t pending = 0;  // in the open transaction
    std::int64_t seen_ms;       // the last event
    std::int64_t reported_ms;
    bool is_silence_reported = false;
  };

  std::vector<State> states_;
};

}  // namespace picortex
