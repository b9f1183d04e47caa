#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/level.h"
#include "base/uuid.h"

namespace picortex {

struct EgressAttempt;  // storage/egress_hosts.h

// Limits of an event's parts, in bytes. Whoever makes an Event has checked them.
inline constexpr std::size_t kEventTypeSizeMax = 128;
inline constexpr std::size_t kChatIdSizeMax = 256;

// One thing that happened, as it goes into the store. It owns nothing: its texts must stay until
// the transaction that takes them has ended.
struct Event {
  std::int64_t time_ms = 0;  // Unix milliseconds, 0 to kLatestUnixMs
  Level level = Level::info;
  std::string_view event_type;  // 1 to kEventTypeSizeMax bytes of UTF-8
  std::string_view chat_id;     // empty: in no chat
  std::string_view msg;
  std::string_view data;       // a JSON object on one line; empty: none
  bool decision_skip = false;  // true when event_type is discriminator.decision and decides "skip"
  Uuid request_id;
  std::optional<Uuid> id;  // given by a client that may send it again; else the store makes one
  // Which of its millisecond it was, for one that is put back; without it, or where that place is
  // taken, the next one. An id that says the place goes first.
  std::optional<std::uint32_t> sequence = {};
  const EgressAttempt* egress = nullptr;  // counted in the table `egress_host` when it is stored
};

}  // namespace picortex
