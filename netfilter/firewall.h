#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "netfilter/firewall_rules.h"

namespace picortex {

// The kernel's packet filter as iptables(8) and ip6tables(8) show it. Only the fence's own chains
// and one jump to each are ever touched. Everything here blocks for some 50 ms a family: for what
// comes before the loop, and for commands of people.

enum class FirewallChange : std::uint8_t {
  none,    // it stood as it should
  mended,  // chains of the fence were there, but others
  fresh,   // there was no fence
};

// Puts the plan's chains in place, IPv4's and IPv6's, whatever was there of an earlier plan: each
// table at once, never open in between.
Result<FirewallChange> install_firewall(const FirewallPlan& plan);

// Takes every chain of the fence away, with its jump. Says whether there was one.
Result<bool> remove_firewall();

// What differs from the plan, one line each; none: the fence stands as it should.
Result<std::vector<std::string>> check_firewall(const FirewallPlan& plan);

// Whether the process has CAP_NET_ADMIN; the Error names it and the mend.
Result<void> check_net_admin();

// The differences between what iptables-save printed and the chains, in words for a person.
std::vector<std::string> compare_firewall(std::string_view saved,
                                          const std::vector<FirewallChain>& chains);

}  // namespace picortex
