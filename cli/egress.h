#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/bypass_attempts.h"
#include "cli/listen_address.h"
#include "cli/settings.h"
#include "netfilter/address.h"

namespace picortex {

enum class EgressVerb { allow, deny, list, hosts, test, suggest, selftest };

// What `picortex egress VERB` was asked, its values checked. What a verb does not read stays empty.
struct EgressOptions {
  EgressVerb verb = EgressVerb::list;
  std::string argument;            // allow, deny: a pattern; test: HOST[:PORT]
  std::string allowlist;           // the owner's file
  std::string data_dir;            // has the temporary rules, the database and the token
  ListenAddress server;            // list: where the daemon is reached
  std::int64_t for_ms = 0;         // allow: 0: for good
  std::string user;                // selftest: whose egress is fenced
  std::vector<IpAddress> targets;  // selftest
  BypassNames names;               // selftest
};

Result<EgressOptions> read_egress_options(Settings& settings, EgressVerb verb,
                                          std::string argument);

// Does it, on stdout and stderr. The exit status: 0; 1 when it failed, when `test` says refused,
// and when `selftest` found a hole; 2 when the argument is none that it takes.
int egress(const EgressOptions& options);

// The verbs.
int egress_allow(const EgressOptions& options);
int egress_deny(const EgressOptions& options);
int egress_list(const EgressOptions& options);
int egress_hosts(const EgressOptions& options);
int egress_test(const EgressOptions& options);
int egress_suggest(const EgressOptions& options);
int egress_selftest(const EgressOptions& options);

// One line on stderr.
int egress_failed(int exit_status, const std::string& what);

}  // namespace picortex
