#pragma once

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "cli/client/http_client.h"
#include "daemon/config/listen_address.h"

namespace picortex {

// One event that the daemon will never accept: its line, counted from 0 in its request, and the reason.
struct RejectedLine {
  std::size_t index = 0;
  std::string reason;
};

// The outcome of one request: all lines except the rejected ones are stored.
struct PostAnswer {
  std::vector<RejectedLine> rejected;
};

// Reads the secret in `data_dir`/token. The error says why there is none: this user cannot read the
// file, which is normal for everybody but the daemon's user, or it holds no token.
Result<ClientToken> read_token(const std::string& data_dir);

// Delivers the two events of one child to the daemon, each in at most a second: the first while the
// child runs, the second after its end, together with the first if that one did not arrive.
class EventPost {
 public:
  EventPost(const ListenAddress& server, ClientToken token);

  // Posts `line` on a thread of its own, so that the caller can look after the child. Call it once.
  void begin(std::string line);

  // Posts `line` and returns once it is stored. The error says why an event is not stored;
  // undelivered() then has the lines.
  Result<void> end(std::string line);
  const std::string& undelivered() const noexcept { return unsent_; }

  // Posts lines of which some may be invalid. The error says why none is stored.
  Result<PostAnswer> post_partly(const std::string& lines) const;

  // Posts events of an earlier command. Drops those that the daemon rejects and has the others
  // stored, including events that are older than what the daemon keeps.
  Result<void> post_late(const std::string& lines) const;

 private:
  Result<void> post(const std::string& lines, std::string_view path) const;
  Result<std::string> ask_to_store(const std::string& lines, std::string_view path) const;

  const ListenAddress server_;
  const ClientToken token_;
  std::string unsent_;  // used by the thread while it runs, else by the owner
  std::jthread thread_;
};

}  // namespace picortex
