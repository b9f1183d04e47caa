#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace picortex {

// Finds ways to have a name looked up by a daemon, under its UID rather than the asker's, which no
// packet filter sees. Returns what the fence cannot close, in words for a person, with the fix. A
// name that carries data leaves that way; connections do not, since addresses stay denied.
std::vector<std::string> find_resolver_holes();

// Returns what the fence cannot guarantee on this host, in words for a person, with the fix; not a
// hole by itself. Checks whether traced processes lend their turn's IDs (yama), and sockets that
// send no packets (AF_VSOCK).
std::vector<std::string> find_fence_limits();

// Returns whether the text of kernel.yama.ptrace_scope keeps a process from tracing one that it did
// not start; empty: the kernel has no yama.
bool restricts_ptrace(std::string_view scope) noexcept;

// Returns whether nsswitch.conf(5) text makes glibc ask systemd-resolved (nss-resolve(8)) for
// hosts.
bool asks_resolved(std::string_view nsswitch);

}  // namespace picortex
