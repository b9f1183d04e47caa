#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

struct ForgetOptions {
  std::string chat_id;
  std::string data_dir;
  std::optional<ListenAddress> server;
  bool is_confirmed = false;
};

Result<ForgetOptions> read_forget_options(Settings& settings);

// `picortex forget --chat C`: has the daemon delete everything that is stored of a chat, slice by
// slice, and says how much that was. An interrupt stops after the slice; what is deleted stays so.
// The exit status: 0; 1 with one line on stderr.
int forget(const ForgetOptions& options);

}  // namespace picortex
