#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/level.h"
#include "base/uuid/uuid.h"

namespace picortex {

struct EgressAttempt;  // storage/egress_host_table.h
struct EgressTraffic;  // storage/egress_host_table.h
struct TurnNote;       // storage/turn_note.h

// Limits of an event's parts, in bytes. The code that creates an Event checks them.
inline constexpr std::size_t kEventTypeSizeMax = 128;
inline constexpr std::size_t kChatIdSizeMax = 256;

// One thing that happened, as passed to the store. It owns nothing: its texts must stay valid until
// the transaction that stores them has ended.
struct Event {
  std::int64_t time_ms = 0;  // Unix milliseconds, 0 to kLatestUnixMs
  Level level = Level::info;
  std::string_view event_type;  // 1 to kEventTypeSizeMax bytes of UTF-8
  std::string_view chat_id;     // empty: in no chat
  std::string_view msg;
  std::string_view data;       // a JSON object on one line; empty: none
  bool decision_skip = false;  // true when event_type is discriminator.decision and decides "skip"
  Uuid request_id;
  std::optional<Uuid> id;  // from a client that may send the event again; else the store makes one
  // The event's place within its millisecond, for an event that is restored. Without it, or if that
  // place is taken, the store uses the next one.
  std::optional<std::uint32_t> sequence = {};
  // counted in the table `egress_host` when the event is stored
  const EgressAttempt* egress = nullptr;
  // added to the tables `egress_traffic` and `turn` when the event is stored
  const EgressTraffic* traffic = nullptr;
  // The store finds the turn by it, whose request ID then replaces request_id.
  const TurnNote* turn = nullptr;
  // Of a stored event of level error and above: the group that it belongs to
  // (storage/query/stats/error_fingerprint.h). The StoreJob finds it; else 0.
  std::uint64_t error_group = 0;
};

}  // namespace picortex
