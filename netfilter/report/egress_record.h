#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/level.h"
#include "netfilter/attribution/process.h"
#include "storage/egress_host_table.h"

namespace picortex {

// One line and row that reports a decision, with its texts.
struct EgressRecord {
  Level level = Level::warn;
  std::string_view event_type;  // a literal
  std::int64_t time_ms = 0;     // Unix time
  TurnIds ids;                  // never nil: a new ID where no turn is known
  std::string message;
  std::string data;  // a JSON object

  // The host under which the table of hosts counts it.
  std::string host;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  EgressOutcome outcome = EgressOutcome::denied;
};

}  // namespace picortex
