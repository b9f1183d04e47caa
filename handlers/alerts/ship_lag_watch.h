#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "handlers/alerts/alert_rules.h"

namespace picortex {

// How far a target of `picortex ship` is from the newest event.
struct TargetLag {
  std::string target;
  std::int64_t events = 0;
  std::int64_t ms = 0;
};

// Compares the lag of targets with the operator's `ship.lag>` rules. Times are those of the
// monotonic clock.
class ShipLagWatch {
 public:
  // Forgets what was reported, unless the rules are the same.
  void adopt(std::vector<AlertRule> rules);
  std::size_t size() const noexcept { return states_.size(); }

  // Calls `report(const AlertRule&, const TargetLag&)` for each rule and target whose lag is above
  // the rule's: once, and again after the rule's cool-down if it still is, or if it was below in
  // between.
  template <class Report>
  void look(std::span<const TargetLag> lags, std::int64_t now_ms, Report report) {
    for (State& state : states_) {
      for (const TargetLag& lag : lags) {
        if (is_due(state, lag, now_ms)) report(std::as_const(state.rule), lag);
      }
    }
  }

 private:
  struct State {
    AlertRule rule;
    std::map<std::string, std::int64_t> reported_ms;  // by target, of those that are late
  };

  static bool is_due(State& state, const TargetLag& lag, std::int64_t now_ms);

  std::vector<State> states_;
};

}  // namespace picortex
