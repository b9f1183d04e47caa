#pragma once

#include <string>
#include <string_view>

#include "netfilter/policy/verdict.h"
#include "netfilter/report/recent_denials.h"

namespace picortex {

// What a denial means, in words for the agent that was denied.

// Returns a clause such as "no rule of the allowlist has this name".
std::string_view reason_clause(Reason reason) noexcept;

// Returns what the operator would have to run for it to be allowed; empty if no rule can allow it.
std::string operator_command(const Denial& denial);

}  // namespace picortex
