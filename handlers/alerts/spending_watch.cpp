#include "handlers/alerts/spending_watch.h"

#include <algorithm>

namespace picortex {

void SpendingWatch::adopt(std::vector<AlertRule> rules) {
  if (std::ranges::equal(rules, states_, {}, &AlertRule::text,
                         [](const State& state) { return state.rule.text; })) {
    return;
  }
  states_.clear();
  for (AlertRule& rule : rules) states_.push_back({std::move(rule), {}});
}

// Whether the rule has reported the chat within its cool-down; if not, a new one begins.
bool SpendingWatch::is_cooling(State& state, std::string_view chat, const ClockReading& now) {
  const std::int64_t now_ms = now.monotonic_ms();
  const std::int64_t since_ms = now_ms - state.rule.cooldown_ms;
  if (const auto found = state.reported_ms.find(chat); found != state.reported_ms.end()) {
    if (found->second > since_ms) return true;
    found->second = now_ms;
    return false;
  }
  std::erase_if(state.reported_ms, [&](const auto& entry) { return entry.second <= since_ms; });
  state.reported_ms.emplace(chat, now_ms);
  return false;
}

}  // namespace picortex
