#pragma once

#include <string>

#include "base/result.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

enum class ClaudeVerb { install, status, remove, hook };

struct ClaudeOptions {
  ClaudeVerb verb = ClaudeVerb::status;
  ListenAddress server;
  std::string data_dir;
  std::string file;  // the settings to write: managed ones, or a user's
};

Result<ClaudeOptions> read_claude_options(Settings& settings, ClaudeVerb verb);

// The settings that make Claude Code call the daemon's hooks. The token, the chat and the IDs come
// from the environment that `picortex run` gives it, so that the file holds no secret.
std::string claude_settings(const ListenAddress& server);

// `picortex claude VERB`: writes or deletes a settings file of its own, or says what telemetry has
// come, or sends a hook. A file that is not its own is left alone. The exit status: 0; 1 with one
// line on stderr.
int claude(const ClaudeOptions& options, const Environment& environment);

}  // namespace picortex
