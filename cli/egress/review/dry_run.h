#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/egress/review/recorded_attempts.h"
#include "netfilter/policy/allowlist.h"
#include "netfilter/policy/covered_rules.h"

namespace picortex {

// One kind of attempt whose outcome differs by the changed list.
struct ChangedOutcome {
  std::string place;  // a name, or HOST:PORT
  std::int64_t count = 0;
  std::string rule;                   // that allows it now; empty: it is denied
  Reason reason = Reason::permitted;  // of the denial: then, or by the changed list
};

// What a changed list would have decided about recorded attempts.
struct DryRun {
  std::int64_t attempts = 0;
  std::int64_t unchanged = 0;
  std::vector<ChangedOutcome> now_allowed;
  std::vector<ChangedOutcome> now_denied;
  std::vector<RuleIndex> unused;  // rules that no attempt needed; expired ones are not listed
  std::vector<CoveredRule> covered;
};

DryRun dry_run(const Allowlist& rules, const std::vector<AttemptGroup>& groups,
               std::int64_t now_ms);

}  // namespace picortex
