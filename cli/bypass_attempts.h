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
};

// A listener on loopback of another user's, which the fenced user must not reach.
struct LoopbackService {
  std::uint16_t tcp_port = 0;
  std::uint16_t tcp6_port = 0;
};

// Everything that selftest tries. `targets`: addresses that answer and that no rule permits.
// `allowed_name`: a host that a rule permits.
std::vector<BypassAttempt> bypass_attempts(const std::vector<IpAddress>& targets,
                                           const std::string& allowed_name,
                                           const LoopbackService& loopback);

// A ClientHello (RFC 8446, section 4.1.2) that names `server_name`; without SNI when it is empty.
std::string client_hello(const std::string& server_name);

// A query (RFC 1035, section 4) for one name, with its type: 1 A, 16 TXT.
std::string dns_query(const std::string& name, std::uint16_t type);

}  // namespace picortex
