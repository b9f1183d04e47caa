#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/net/ip_address.h"
#include "cli/egress/selftest_probes.h"

namespace picortex {

// A way around the fence that needs no answer: a PacketWitness judges it by looking for `mark` in
// packets. `send` runs in a process of its own, for a second at most.
struct OneWayProbe {
  using Send = std::function<void(const std::string& mark)>;

  std::string name;
  Send send;
  Send control = {};  // what root sends to prove that the witness works; none: the same
};

// Returns the probes towards one address that no rule permits.
std::vector<OneWayProbe> one_way_attempts(const IpAddress& target);

// Returns the probes at an allowed host's address, and those that name a network device.
std::vector<OneWayProbe> local_one_way_attempts(const SelftestNames& names,
                                                const std::vector<IpAddress>& targets);

}  // namespace picortex
