#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/net/ip_address.h"
#include "base/result.h"
#include "cli/egress/selftest_probes.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"

namespace picortex {

enum class EgressVerb { allow, deny, list, hosts, test, suggest, selftest };

// The checked arguments of `picortex egress VERB`. Members that the verb does not read stay empty.
struct EgressOptions {
  EgressVerb verb = EgressVerb::list;
  std::string argument;             // allow, deny: a pattern; test: HOST[:PORT]
  std::string allowlist;            // the owner's file
  std::string data_dir;             // has the temporary rules, the database and the token
  ListenAddress server;             // list: where to reach the daemon
  std::int64_t for_ms = 0;          // allow: 0: permanent
  bool is_confirmed = false;        // allow: accept even a rule that allows much
  std::string user;                 // selftest: whose egress is fenced
  std::vector<IpAddress> targets;   // selftest
  SelftestNames names;              // selftest
  std::optional<IpAddress> oracle;  // selftest: where to look for arrivals; none: watch departures
};

Result<EgressOptions> read_egress_options(Settings& settings, EgressVerb verb,
                                          std::string argument);

// Runs the verb, with output on stdout and stderr. Returns the exit status: 0; 1 if it failed, if
// `test` says denied, or if `selftest` found a hole; 2 if the argument is invalid.
int egress(const EgressOptions& options);

// The verbs.
int egress_allow(const EgressOptions& options);
int egress_deny(const EgressOptions& options);
int egress_list(const EgressOptions& options);
int egress_hosts(const EgressOptions& options);
int egress_test(const EgressOptions& options);
int egress_suggest(const EgressOptions& options);
int egress_selftest(const EgressOptions& options);

// Prints one line on stderr.
int egress_failed(int exit_status, const std::string& what);

}  // namespace picortex
