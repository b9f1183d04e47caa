#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor/host.h"

namespace picortex {

// What iptables-save(8) and ip6tables-save say about OUTPUT: the rules of all tables.
struct SavedRules {
  bool has_fence = false;           // a chain of the fence is there
  std::vector<std::string> output;  // "-A OUTPUT …", in order
};
SavedRules parse_output_rules(std::string_view saved);
// Of both families; empty where they cannot be read.
SavedRules read_rules_of(const Host& host);

// Returns the program that the first rules which are not the fence's belong to, by the names that
// it gives its chains: "ufw", "Docker"; empty if it is none of the known ones.
std::string name_owner(const SavedRules& saved);

// A chain of nftables that changes marks of packets on their way out, apart from iptables' own
// tables.
struct MarkingChain {
  std::string table;  // "inet firewalld"
  std::string name;
  std::string rule;
};
// Reads `nft list ruleset`.
std::vector<MarkingChain> find_marking_chains(std::string_view ruleset);

// Whether a process is bound to a packet queue, by /proc/net/netfilter/nfnetlink_queue.
bool has_queue(std::string_view queues, std::uint16_t number);

}  // namespace picortex
