#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/logs.h"
#include "cli/settings.h"
#include "handlers/story.h"

namespace picortex {

struct WhyOptions {
  std::string data_dir;
  std::optional<IdPrefix> id;  // none: the last message
  std::string chat_id;         // empty: of any chat
  bool json = false;
};

Result<WhyOptions> read_why_options(Settings& settings);

// The story for people, the conclusion first. Whatever it holds, nothing acts on a terminal.
std::string render_story(const Story& story, bool is_coloured);

// Prints the story of one message on stdout: 0; else 1 with one line on stderr.
int why(const WhyOptions& options);

}  // namespace picortex
