#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/level.h"
#include "base/result.h"
#include "storage/event.h"

namespace picortex {

// A rule of the owner's, in words that blanks part:
//
//   rule      = 1*condition trigger [ "cooldown=" duration ]
//   condition = "level=" label | "event_type=" name [ "*" ] | "chat_id=" id
//   trigger   = "rate>" number "/" duration | "silent>" duration
//   duration  = number ( "s" | "m" | "h" | "d" ), from 10 seconds to 7 days
//
// Events that fit all conditions count: a level is that and those above, a name may end in a '*'.
struct AlertRule {
  enum class Trigger : std::uint8_t { rate, silent };

  static constexpr std::size_t kTextSizeMax = 400;
  static constexpr std::uint32_t kCountMax = 1'000'000;
  static constexpr std::int64_t kDefaultCooldownMs = 15 * 60'000;

  std::string text;
  Level level = Level::trace;
  std::string event_type;  // empty: any
  std::string chat_id;     // empty: any
  Trigger trigger = Trigger::rate;
  std::uint32_t count = 0;     // of a rate: more than so many within window_ms
  std::int64_t window_ms = 0;  // of a silence: longer than this
  std::int64_t cooldown_ms = kDefaultCooldownMs;

  // The daemon's own alerts never fit, or one could lead to the next.
  bool fits(const Event& event) const noexcept;
};

// The error says what is wrong with it.
Result<AlertRule> parse_alert_rule(std::string_view text);

}  // namespace picortex
