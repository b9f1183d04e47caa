#include <algorithm>

#include "cli/doctor/checks.h"
#include "netfilter/kernel/resolver_bypass_check.h"

namespace picortex {
namespace {

constexpr const char* kYama = "/proc/sys/kernel/yama/ptrace_scope";
constexpr std::int64_t kConnectionsLeast = 65'536;

// Sets it now and for every start of the host.
std::string set_sysctl(const std::string& name, const std::string& value) {
  const std::string file =
      "/etc/sysctl.d/60-picortex-" + name.substr(name.rfind('.') + 1) + ".conf";
  return "printf '%s\\n' '" + name + " = " + value + "' > " + file + " && sysctl -p " + file;
}

void check_io_uring(const Host& host, Findings& findings) {
  const auto disabled = host.number("/proc/sys/kernel/io_uring_disabled");
  if (!disabled || *disabled == 0) {
    return findings.ok("kernel.io_uring", "the kernel permits io_uring");
  }
  findings.problem("kernel.io_uring",
                   "kernel.io_uring_disabled is " + std::to_string(*disabled) +
                       ", and the daemon is a loop on one io_uring: it does not start",
                   set_sysctl("kernel.io_uring_disabled", "0"));
}

void check_conntrack(const Host& host, Findings& findings) {
  const auto count = host.number("/proc/sys/net/netfilter/nf_conntrack_count");
  const auto most = host.number("/proc/sys/net/netfilter/nf_conntrack_max");
  if (!count || !most || *most <= 0) {
    return findings.skipped("kernel.conntrack",
                            "the kernel does not show its table of connections (nf_conntrack)");
  }
  const std::string fill =
      std::to_string(*count) + " of at most " + std::to_string(*most) + " connections are tracked";
  const std::string fix = set_sysctl("net.netfilter.nf_conntrack_max",
                                     std::to_string(std::max(4 * kConnectionsLeast, *most * 2)));
  if (*count >= *most / 10 * 9) {
    findings.problem("kernel.conntrack",
                     fill + ": new ones are dropped for every user once it is full", fix);
  } else if (*count >= *most / 10 * 7) {
    findings.warning("kernel.conntrack", fill, fix);
  } else if (*most < kConnectionsLeast) {
    findings.warning("kernel.conntrack", fill + ", which one busy user can use up", fix);
  } else {
    findings.ok("kernel.conntrack", fill);
  }
}

void check_ptrace(const Host& host, Findings& findings) {
  const auto scope = host.read(kYama);
  if (!scope) {
    return findings.skipped("kernel.ptrace",
                            "the kernel lacks yama: a process of the fenced user can act through "
                            "another one, so that an attempt bears the IDs of another turn");
  }
  if (restricts_ptrace(*scope)) {
    return findings.ok("kernel.ptrace", "processes cannot trace each other (yama)");
  }
  findings.warning("kernel.ptrace",
                   "kernel.yama.ptrace_scope is 0: a process of the fenced user can act through "
                   "another one, so that an attempt bears the IDs of another turn",
                   set_sysctl("kernel.yama.ptrace_scope", "1"));
}

}  // namespace

void check_kernel(const Examined& examined, Findings& findings) {
  check_io_uring(examined.host, findings);
  if (examined.options().egress_mode == EgressMode::off) return;
  check_conntrack(examined.host, findings);
  check_ptrace(examined.host, findings);
}

}  // namespace picortex
