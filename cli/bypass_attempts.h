#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "netfilter/address.h"

namespace picortex {

// One way around the fence. `run` is true when something came back, so that data can leave. It
// takes a few seconds at most and runs in a process of its own.
struct BypassAttempt {
  std::string name;
  std::function<bool()> run;
  bool as_sub_uid = false;  // to be run as a UID that /etc/subuid grants the user
};

// Hosts that the attempts name.
struct BypassNames {
  std::string allowed;       // permitted on port 443
  std::string forbidden;     // not permitted, and known to the resolvers
  std::string open_domain;   // every name below it is known to the resolvers, none is permitted
  std::string allowed_http;  // permitted on port 80; empty: there is none
};

// A listener on loopback of another user's, which the fenced user must not reach.
struct LoopbackService {
  std::uint16_t tcp_port = 0;
  std::uint16_t tcp6_port = 0;
};

// Everything that selftest tries. `targets`: addresses that answer and that no rule permits.
std::vector<BypassAttempt> bypass_attempts(const std::vector<IpAddress>& targets,
                                           const BypassNames& names,
                                           const LoopbackService& loopback);

// Whether this process reaches a host on port 443 as an honest client does.
bool reaches(const std::string& allowed);

}  // namespace picortex
