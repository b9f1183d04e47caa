#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "netfilter/kernel/firewall_rules.h"

namespace picortex {

// The kernel's packet filter as iptables(8) and ip6tables(8) show it. Touches only the fence's own
// chains and one jump to each. Everything here blocks for about 50 ms a family: only for use before
// the loop runs and in commands.

enum class FirewallChange : std::uint8_t {
  none,   // the rules were as expected
  fixed,  // there were other rules of the fence
  fresh,  // there was no fence
};

// Installs the plan's chains, for IPv4 and IPv6, replacing those of an earlier plan: each table
// atomically, never open in between.
Result<FirewallChange> install_firewall(const FirewallPlan& plan);

// Removes every chain of the fence, with its jump. Returns whether there was one.
Result<bool> remove_firewall();

// Returns the differences from the plan, one line each; none if the fence is as expected.
Result<std::vector<std::string>> check_firewall(const FirewallPlan& plan);

// Checks that the process has CAP_NET_ADMIN; the Error names it and the fix.
Result<void> check_net_admin();

// Returns the differences between the output of iptables-save and the chains, in words for a
// person.
std::vector<std::string> compare_firewall(std::string_view saved,
                                          const std::vector<FirewallChain>& chains);

}  // namespace picortex
