#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/net/ip_address.h"

namespace picortex {

// One way to bypass the fence. `run` returns true if an answer arrived, which means that data can
// leave. It takes a few seconds at most and runs in a process of its own.
struct SelftestProbe {
  std::string name;
  std::function<bool()> run;
  bool as_sub_uid = false;  // to be run as a UID that /etc/subuid grants the user
};

// Host names that the attempts use.
struct SelftestNames {
  std::string allowed;       // permitted on port 443
  std::string forbidden;     // not permitted, and known to the resolvers
  std::string open_domain;   // every name below it is known to the resolvers, none is permitted
  std::string allowed_http;  // permitted on port 80; empty: there is none
};

// A listener of another user on loopback, which the fenced user must not reach.
struct LoopbackService {
  std::uint16_t tcp_port = 0;
  std::uint16_t tcp6_port = 0;
};

// Returns everything that selftest tries. `targets` are addresses that answer and that no rule
// permits.
std::vector<SelftestProbe> bypass_attempts(const std::vector<IpAddress>& targets,
                                           const SelftestNames& names,
                                           const LoopbackService& loopback);

// Returns whether this process reaches a host on port 443 like an honest client.
bool reaches(const std::string& allowed);

}  // namespace picortex
