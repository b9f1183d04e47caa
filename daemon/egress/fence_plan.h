#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/config/listen_address.h"
#include "netfilter/kernel/firewall_rules.h"
#include "netfilter/policy/verdict.h"

namespace picortex {

// Returns the firewall rules for a daemon that listens on `listen`, with the ports as bound. Unix
// sockets need no rule. Fails if there is no such user.
Result<FirewallPlan> make_firewall_plan(EgressMode mode, const std::string& user,
                                        std::uint16_t dns_port,
                                        const std::vector<ListenAddress>& listen);

}  // namespace picortex
