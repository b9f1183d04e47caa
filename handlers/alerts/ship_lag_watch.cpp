#include "handlers/alerts/ship_lag_watch.h"

#include <algorithm>

namespace picortex {

void ShipLagWatch::adopt(std::vector<AlertRule> rules) {
  if (std::ranges::equal(rules, states_, {}, &AlertRule::text,
                         [](const State& state) { return state.rule.text; })) {
    return;
  }
  states_.clear();
  for (AlertRule& rule : rules) states_.push_back({std::move(rule), {}});
}

bool ShipLagWatch::is_due(State& state, const TargetLag& lag, std::int64_t now_ms) {
  if (lag.ms <= state.rule.window_ms) {
    state.reported_ms.erase(lag.target);
    return false;
  }
  const auto [reported, is_new] = state.reported_ms.try_emplace(lag.target, now_ms);
  if (!is_new && now_ms - reported->second < state.rule.cooldown_ms) return false;
  reported->second = now_ms;
  return true;
}

}  // namespace picortex
