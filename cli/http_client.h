#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/listen_address.h"

namespace picortex {

// One HTTP/1.1 exchange with a daemon on this host (RFC 9112), for the subcommands: they block, and
// none of their code runs in the daemon. The daemon's answer is as little trusted as any other.

// The daemon's secret, and whose file it was in: nobody else may be shown it.
struct Token {
  std::string text;  // visible ASCII
  uid_t owner = 0;
};

struct HttpRequest {
  std::string_view method;
  std::string_view path;
  std::string_view content_type = {};  // with a body
  const Token* token = nullptr;        // is sent only to a server of its owner or of root
  std::string_view body = {};
};

struct HttpReply {
  int status = 0;
  std::string body;
};

inline constexpr std::size_t kReplySizeMax = 1024 * 1024;

// Connects, sends the request and reads the whole reply within `time_limit`. An error says in words
// what went wrong: nobody listens, somebody else does than the token is for, no answer in time, an
// answer that is too large (more than kReplySizeMax with its head), cut short, or no HTTP.
Result<HttpReply> ask(const ListenAddress& server, const HttpRequest& request,
                      std::chrono::milliseconds time_limit);

}  // namespace picortex
