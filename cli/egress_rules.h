#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/listen_address.h"
#include "cli/settings.h"
#include "netfilter/firewall_rules.h"
#include "netfilter/verdict.h"

namespace picortex {

enum class EgressRulesAction { install, remove, status };

// `picortex egress install|remove|status`: the firewall's rules, for people.
struct EgressRulesOptions {
  EgressRulesAction action = EgressRulesAction::status;
  EgressMode mode = EgressMode::off;
  std::string user;
  std::vector<ListenAddress> listen;
  std::uint16_t dns_port = 0;
};

Result<EgressRulesOptions> read_egress_rules_options(Settings& settings, EgressRulesAction action);

// A user's name or UID, whether there is such a user or not.
std::optional<std::string> parse_user(std::string_view text);

// The rules for a daemon that listens on `listen`, with the ports as bound. Unix sockets need none.
Result<FirewallPlan> make_firewall_plan(EgressMode mode, const std::string& user,
                                        std::uint16_t dns_port,
                                        const std::vector<ListenAddress>& listen);

// 0: done, or all stands as it should; 1: failed, or something differs or is open beside the rules
// (each difference and each hole on a line of stdout).
int egress_rules(const EgressRulesOptions& options);

}  // namespace picortex
