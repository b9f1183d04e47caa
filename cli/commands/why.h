#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/commands/logs.h"
#include "cli/source/fleet_place.h"
#include "daemon/config/settings.h"
#include "handlers/query/story.h"
#include "storage/query/turn_reader.h"

namespace picortex {

struct WhyOptions {
  std::string data_dir;
  std::optional<FleetPlace> fleet;  // instead of the data directory
  std::optional<IdPrefix> id;       // none: the last message
  std::string chat_id;              // empty: of any chat
  bool json = false;
};

Result<WhyOptions> read_why_options(Settings& settings);

// Formats the story for people: the conclusion first, then the totals of the agent's turn, if there
// is one. No part of it can inject terminal escape sequences.
std::string render_story(const Story& story, const std::optional<Turn>& turn, bool is_coloured);

// Prints the story of one message on stdout. Returns 0, or 1 after one line on stderr.
int why(const WhyOptions& options);

}  // namespace picortex
