#pragma once

#include <cstdint>
#include <vector>

#include "netfilter/policy/allowlist.h"

namespace picortex {

// A rule that changes nothing, since another one allows all that it allows.
struct CoveredRule {
  RuleIndex rule = 0;
  RuleIndex by = 0;
};

// Returns the rules that have not expired and are covered by one other rule, which ends no earlier:
// the same host or network, or `*.parent`, or a wider network; on the same port, with at least its
// words. Of two equal rules the later one is covered. A network is compared with those as wide as
// some rule is, so the cost grows with the number of rules times the prefix sizes in use.
std::vector<CoveredRule> find_covered_rules(const Allowlist& list, std::int64_t now_ms);

}  // namespace picortex
