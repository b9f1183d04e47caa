#pragma once

#include <cstddef>
#include <string>

#include "handlers/http/answer_buffer.h"
#include "handlers/http/exchange.h"
#include "handlers/http/kept_buffer.h"

namespace picortex::http {

// The memory accounted for one connection, or for all of them.
struct HeldBytes {
  std::size_t answers = 0;  // that the client has not read
  std::size_t input = 0;    // of an incomplete head, and received but unprocessed
};

// The memory that a connection needs while something is going on. It leases one from the server,
// which keeps those that are free; an idle connection has none.
struct Workspace {
  explicit Workspace(Server& server) noexcept : exchange(server, answers) {}

  // For the next client.
  void reset() noexcept {
    exchange.reset();
    answers.reset();
    empty_buffer(backlog);
  }

  AnswerBuffer answers;
  Exchange exchange;    // serves one request after the other
  std::string backlog;  // received, but not looked at yet
  HeldBytes held;       // as the server knows it
};

}  // namespace picortex::http
