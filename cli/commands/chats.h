#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/commands/logs.h"
#include "cli/source/fleet_place.h"
#include "daemon/config/settings.h"

namespace picortex {

struct ChatsOptions {
  std::string data_dir;
  std::optional<FleetPlace> fleet;  // instead of the data directory
  EventFilter filter;               // its request is in `request`
  std::optional<IdPrefix> request;
  std::uint32_t limit = 50;
  bool json = false;
};

// Takes times as of now.
Result<ChatsOptions> read_chats_options(Settings& settings);

// Prints the chats on stdout, the one seen last first: 0; else 1 with one line on stderr.
int chats(const ChatsOptions& options);

}  // namespace picortex
