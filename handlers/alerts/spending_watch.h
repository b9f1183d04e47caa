#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handlers/alerts/alert_rules.h"
#include "handlers/pipeline/spending_ledger.h"

namespace picortex {

// Compares what chats have spent with the operator's `cost>` rules. Reads the ledger, which counts
// by the wall clock; cool-downs go by the monotonic one.
class SpendingWatch {
 public:
  // `ledger` must outlive this object.
  explicit SpendingWatch(SpendingLedger& ledger) : ledger_(ledger) {}

  // Forgets the cool-downs, unless the rules are the same.
  void adopt(std::vector<AlertRule> rules);
  std::size_t size() const noexcept { return states_.size(); }

  // Calls `report(const AlertRule&, std::string_view chat_id, std::int64_t cost_micros)` for each
  // rule and chat (empty: all chats together) that has spent something since the last call and is
  // over the rule's amount, except within the rule's cool-down for that chat.
  template <class Report>
  void look(const ClockReading& now, Report report) {
    const std::vector<std::string> changed = ledger_.take_changed();
    for (State& state : states_) {
      const AlertRule& rule = state.rule;
      if (!rule.by_chat && rule.chat_id.empty()) look_at(state, {}, now, report);
      for (const std::string& chat : changed) {
        const bool is_meant = rule.chat_id.empty() ? rule.by_chat : rule.chat_id == chat;
        if (is_meant) look_at(state, chat, now, report);
      }
    }
  }

 private:
  struct State {
    AlertRule rule;
    std::map<std::string, std::int64_t, std::less<>> reported_ms;  // by chat
    std::int64_t total_before = 0;                                 // of all chats, at the last look
  };

  template <class Report>
  void look_at(State& state, std::string_view chat, const ClockReading& now, Report& report) {
    const std::int64_t micros = ledger_.spent(chat, state.rule.spending.window_ms, now.unix_ms);
    if (chat.empty() && micros <= std::exchange(state.total_before, micros)) return;
    if (micros <= state.rule.spending.cost_micros || is_cooling(state, chat, now)) return;
    report(std::as_const(state.rule), chat, micros);
  }
  bool is_cooling(State& state, std::string_view chat, const ClockReading& now);

  SpendingLedger& ledger_;
  std::vector<State> states_;
};

}  // namespace picortex
