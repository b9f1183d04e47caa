#pragma once

#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "cli/http_client.h"
#include "cli/listen_address.h"

namespace picortex {

// The secret in `data_dir`/token; none when this user cannot read it, which is the normal case for
// everybody but the daemon's user, or when it is no token.
std::optional<Token> read_token(const std::string& data_dir);

// Brings the two events of one child to the daemon, each in at most a second: the first while the
// child runs, the second after its end, together with the first when that one did not arrive.
class EventPost {
 public:
  EventPost(const ListenAddress& server, Token token);

  // Posts `line` from a thread of its own, so that the caller can look after the child. Once.
  void begin(std::string line);

  // Posts `line`; returns once it is stored, or with the reason why an event is not.
  Result<void> end(std::string line);

 private:
  Result<void> post(const std::string& lines) const;

  const ListenAddress server_;
  const Token token_;
  std::string unsent_;  // touched by the thread while it runs, else by the owner
  std::jthread thread_;
};

}  // namespace picortex
