#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid/uuid.h"

namespace picortex {

// A tool call that has failed, as its hook says.
struct FailedToolCall {
  Uuid request_id;           // the turn's; nil: not known
  std::string_view chat_id;  // empty: not known
  std::int64_t began_ms = 0;
  std::int64_t now_ms = 0;
};

// Knows what may have made a tool call fail beyond what the tool itself says.
class FailureReasons {
 public:
  // Returns a text for the agent, of at most kTextSizeMax bytes; empty if nothing is known.
  virtual std::string explain(const FailedToolCall& call) const = 0;

  static constexpr std::size_t kTextSizeMax = 2000;

 protected:
  ~FailureReasons() = default;
};

}  // namespace picortex
