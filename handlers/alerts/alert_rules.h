#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/level.h"
#include "base/result.h"
#include "handlers/pipeline/spending_limit.h"
#include "storage/event.h"

namespace picortex {

// A rule of the operator's, in words separated by blanks:
//
//   rule      = ( 1*condition trigger | spending | lag ) [ "cooldown=" duration ]
//   condition = "level=" label | "event_type=" name [ "*" ] | "chat_id=" id
//   trigger   = "rate>" number "/" duration | "silent>" duration
//   spending  = "cost>" limit [ "by=chat_id" | "chat_id=" id ]    (pipeline/spending_limit.h)
//   lag       = "ship.lag>" duration
//   duration  = number ( "s" | "m" | "h" | "d" ), from 10 seconds to 7 days
//
// Events that satisfy all conditions count: a level includes those above it, a name may end in '*'.
// Of spending the cost of agents counts, for each chat, for one, or for all together. Of a lag it is
// that of each target of `picortex ship`.
struct AlertRule {
  enum class Trigger : std::uint8_t { rate, silent, cost, ship_lag };

  static constexpr std::size_t kTextSizeMax = 400;
  static constexpr std::uint32_t kCountMax = 1'000'000;
  static constexpr std::int64_t kDefaultCooldownMs = 15 * 60'000;

  std::string text;
  Level level = Level::trace;
  std::string event_type;  // empty: any
  std::string chat_id;     // empty: any
  Trigger trigger = Trigger::rate;
  std::uint32_t count = 0;     // of a rate: more than this many within window_ms
  std::int64_t window_ms = 0;  // of a silence and of a lag: longer than this
  SpendingLimit spending;      // of a cost: more than this
  bool by_chat = false;        // of a cost: for each chat
  std::int64_t cooldown_ms = kDefaultCooldownMs;

  // The daemon's own alerts never match, or one could cause the next.
  bool fits(const Event& event) const noexcept;
};

// The error says what is wrong with the rule.
Result<AlertRule> parse_alert_rule(std::string_view text);

}  // namespace picortex
