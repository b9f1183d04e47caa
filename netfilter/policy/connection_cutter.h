#pragma once

#include <cstdint>

#include "base/result.h"
#include "netfilter/kernel/fenced_user.h"
#include "netfilter/policy/connection_table.h"
#include "netfilter/policy/verdict.h"

namespace picortex {

// A list of rules as of a time (Unix, ms), which decides what had expired.
struct RulesAt {
  const Allowlist& rules;
  std::int64_t time_ms = 0;
};

// Ends the connections that a rule allowed and that none allows any more, after the rule has been
// removed or has expired. A connection depends on the name for which it was allowed. For one that
// was allowed before this process started only the address is known: it is cut if the rules before
// would have allowed it, by the names that its address was resolved to, and those now do not. A
// connection that neither would have allowed is left alone, since no change of the rules concerns
// it.
class ConnectionCutter {
 public:
  struct Outcome {
    std::uint64_t cut = 0;
    std::uint64_t unknown = 0;  // left alone, since the rule that allowed them is unknown
  };
  enum class Decision : std::uint8_t { keep, keep_unknown, cut };

  // Both must outlive this object.
  ConnectionCutter(ConnectionTable& allowed, const DnsCache& addresses)
      : allowed_(allowed), addresses_(addresses) {}

  Decision decide(const FlowKey& key, const RulesAt& before, const RulesAt& now) const;

  // Walks the user's TCP sockets. After an error some may have been cut.
  Result<Outcome> cut(const FencedUser& user, const RulesAt& before, const RulesAt& now);

 private:
  bool is_allowed_by_address(const FlowKey& key, const RulesAt& at) const;

  ConnectionTable& allowed_;
  const DnsCache& addresses_;
};

// Ends every connected socket of the user that leaves the host, TCP and UDP: those from before the
// fence. Returns how many.
Result<std::uint64_t> end_sockets(const FencedUser& user);

}  // namespace picortex
