#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace picortex {

// Ways to have a name looked up by a daemon, under its UID rather than the asker's, which no packet
// filter sees: what the fence cannot close, in words for a person, with the mend. A name that
// carries data leaves that way; connections do not, since addresses stay refused.
std::vector<std::string> find_resolver_holes();

// Whether nsswitch.conf(5) text has glibc ask systemd-resolved (nss-resolve(8)) for hosts.
bool asks_resolved(std::string_view nsswitch);

}  // namespace picortex
