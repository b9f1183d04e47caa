#pragma once

#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

// `picortex claude hook`: brings the hook on stdin to the daemon, for those hooks that Claude Code
// runs as commands only. The token, the chat and the IDs are those that `picortex run` put into the
// environment. Prints nothing on stdout, which the client would show its model. The exit status: 0
// once it is stored; 1, which the client passes over, with one line on stderr.
int send_claude_hook(const ListenAddress& server, const Environment& environment);

}  // namespace picortex
