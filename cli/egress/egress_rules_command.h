#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemon/config/listen_address.h"
#include "daemon/config/settings.h"
#include "netfilter/kernel/firewall_rules.h"
#include "netfilter/policy/verdict.h"

namespace picortex {

enum class EgressRulesAction { install, remove, status };

// `picortex egress install|remove|status`: the firewall's rules, for people.
struct EgressRulesOptions {
  EgressRulesAction action = EgressRulesAction::status;
  EgressMode mode = EgressMode::off;
  std::string user;
  std::vector<ListenAddress> listen;
  std::uint16_t dns_port = 0;
  std::string allowlist;  // the owner's file
  std::string data_dir;   // has the temporary rules
  UploadBudget upload;    // of rules without one
};

Result<EgressRulesOptions> read_egress_rules_options(Settings& settings, EgressRulesAction action);

// Returns 0 if it succeeded, or if everything is as expected; 1 if it failed, or if a rule differs
// or traffic can bypass the rules (stdout has a line for each difference and each hole).
int egress_rules(const EgressRulesOptions& options);

}  // namespace picortex
