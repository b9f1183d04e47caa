#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/net/ip_address.h"
#include "netfilter/policy/verdict.h"

namespace picortex {

// An attempt of the fenced user as an event has recorded it, for judging it again by another
// allowlist.
struct RecordedAttempt {
  enum class Kind : std::uint8_t {
    question,    // a name was asked of DNS
    answer,      // a name was answered with an address that it may not have
    connection,  // or one request of an HTTP connection, or a packet that is not TCP
  };
  Kind kind = Kind::question;
  std::string host;                  // a name; empty: none is known
  std::optional<IpAddress> address;  // none: not recorded
  std::uint16_t port = 0;            // of a connection
  bool is_tcp = true;
  Evidence evidence = Evidence::dns;  // by what the host is known
  Reason reason = Reason::permitted;  // as decided then
  std::vector<std::string>
      candidates;  // the names that lead to the address, when there are several
};

// What enforce mode would decide about the attempt by these rules.
struct ReplayedVerdict {
  bool is_allowed = false;
  Reason reason = Reason::permitted;             // if it is denied
  std::optional<RuleIndex> rule = std::nullopt;  // that allows it
};

// Judges the attempt with the functions that judge the live ones. A name that was shown is taken to
// resolve to the address at which it was shown, unless the attempt was denied because it did not. What
// was denied for the connection's own form stays denied, unless a rule asks for no name.
ReplayedVerdict judge_again(const Allowlist& rules, const RecordedAttempt& attempt,
                            std::int64_t now_ms);

}  // namespace picortex
