#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/ip_address.h"
#include "base/result.h"
#include "cli/egress/selftest_probes.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"
#include "storage/query/egress_hosts_query.h"

namespace picortex {

enum class EgressVerb {
  allow,
  deny,
  list,
  hosts,
  test,
  suggest,
  selftest,
  why,
  request,
  proposals,
  approve
};

// The checked arguments of `picortex egress VERB`. Members that the verb does not read stay empty.
struct EgressOptions {
  EgressVerb verb = EgressVerb::list;
  std::string
      argument;  // allow, deny: a pattern; test: HOST[:PORT]; why, request: a host; approve: a number
  std::string allowlist;      // the owner's file
  std::string data_dir;       // has the temporary rules, the database and the token
  ListenAddress server;       // list, why: where to reach the daemon
  std::int64_t for_ms = 0;    // allow: 0: permanent
  std::string upload;         // allow: the budget to add to the rule; empty: none
  bool is_confirmed = false;  // allow: accept even a rule that allows much
  std::string reason;         // request: for the operator
  bool is_json = false;       // test --edit, why
  bool shows_grants = false;  // list: what the hosts permit instead of the rules' use
  EgressHostsFilter hosts;    // hosts: which
  std::size_t limit = 0;      // list, hosts: lines that are shown at most, 1 or more
  std::string edited_list;    // test: the changed list to judge by; empty: the target is judged
  std::int64_t since_ms = 0;  // test: the first attempts that are judged again
  std::string user;           // selftest: whose egress is fenced
  std::vector<IpAddress> targets;   // selftest
  SelftestNames names;              // selftest
  std::optional<IpAddress> oracle;  // selftest: where to look for arrivals; none: watch departures
};

Result<EgressOptions> read_egress_options(Settings& settings, EgressVerb verb,
                                          std::string argument);

// Runs the verb, with output on stdout and stderr. Returns the exit status: 0; 1 if it failed, if
// `test` says denied, if `selftest` found a hole, or if `why` knows of no denial; 2 if the argument is invalid.
int egress(const EgressOptions& options);

// The verbs.
int egress_allow(const EgressOptions& options);
int egress_deny(const EgressOptions& options);
int egress_list(const EgressOptions& options);
int egress_hosts(const EgressOptions& options);
int egress_test(const EgressOptions& options);
int egress_dry_run(const EgressOptions& options);
int egress_grants(const EgressOptions& options);
int egress_why(const EgressOptions& options);
int egress_request(const EgressOptions& options);
int egress_proposals(const EgressOptions& options);
int egress_approve(const EgressOptions& options);
int egress_suggest(const EgressOptions& options);
int egress_selftest(const EgressOptions& options);

// A list's path: 1 to 4,000 bytes.
std::optional<std::string> parse_file(std::string_view text);

// Prints one line on stderr.
int egress_failed(int exit_status, const std::string& what);

}  // namespace picortex
