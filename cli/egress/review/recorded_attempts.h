#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "netfilter/policy/recorded_attempt.h"

namespace picortex {

// Attempts that were recorded alike, as one.
struct AttemptGroup {
  RecordedAttempt attempt;
  bool was_allowed = false;  // learn mode allowed it, or a rule did
  std::int64_t count = 0;    // of attempts
};

// Reads the attempts of egress.rejected and egress.allowed events since then from the database in
// `data_dir`, with the counts of a minute's repetitions and the places that an event lists. What the
// journal only counted (egress.suppressed) is not among them.
Result<std::vector<AttemptGroup>> read_attempts(const std::string& data_dir, std::int64_t since_ms);

}  // namespace picortex
