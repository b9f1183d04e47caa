#pragma once

#include <string>

#include "handlers/ingest/claude/failure_reasons.h"
#include "netfilter/report/recent_denials.h"

namespace picortex {

// Explains failed tool calls by what the fence denied the turn, or the chat, while they ran. The
// text is for the agent alone: it is part of no event and no message.
class DenialReasons final : public FailureReasons {
 public:
  static constexpr std::size_t kDenialsMax = 3;
  // Times of a hook are rounded, and its client's clock started a moment after the tool's.
  static constexpr std::int64_t kSlackMs = 1000;

  // `denials` must outlive this object.
  explicit DenialReasons(const RecentDenials& denials) : denials_(denials) {}

  std::string explain(const FailedToolCall& call) const override;

 private:
  const RecentDenials& denials_;
};

}  // namespace picortex
