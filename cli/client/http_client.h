#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/config/listen_address.h"

namespace picortex {

// One HTTP/1.1 exchange with a daemon on this host (RFC 9112), for the subcommands. It blocks, so
// the daemon never uses it. It does not trust the reply.

// The daemon's secret, and the owner of the file that held it. No other user may be shown the secret.
struct ClientToken {
  std::string text;  // visible ASCII
  uid_t owner = 0;
};

struct HttpRequest {
  std::string_view method;
  std::string_view path;
  std::string_view content_type = {};  // with a body
  const ClientToken* token = nullptr;  // sent only to a server that its owner or root runs
  std::string_view headers = {};       // more of them, each ended by CRLF
  std::string_view body = {};
};

struct HttpReply {
  int status = 0;
  std::string body;
};

inline constexpr std::size_t kReplySizeMax = 1024 * 1024;

// Connects, sends the request and reads the whole reply within `time_limit`. The error says in
// words what went wrong: no server listens, the server runs as a user that the token is not for,
// the reply is late, too large (more than kReplySizeMax with its head) or cut short, or it is no
// HTTP.
Result<HttpReply> ask(const ListenAddress& server, const HttpRequest& request,
                      std::chrono::milliseconds time_limit);

}  // namespace picortex
