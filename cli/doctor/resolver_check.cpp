#include "cli/doctor/checks.h"
#include "netfilter/kernel/resolver_bypass_check.h"

namespace picortex {

void check_resolver(const Examined& examined, Findings& findings) {
  if (examined.options().egress_mode == EgressMode::off) return;
  constexpr const char* kSocket = "/run/systemd/resolve/io.systemd.Resolve";
  const auto nsswitch = examined.host.read("/etc/nsswitch.conf");
  if (nsswitch && asks_resolved(*nsswitch)) {
    findings.problem("resolver.nsswitch",
                     "/etc/nsswitch.conf has systemd-resolved look names up, past the allowlist",
                     R"(sed -i '/^hosts:/s/[[:blank:]]\+resolve\([[:blank:]]*\[[^]]*\]\)\?//' )"
                     "/etc/nsswitch.conf");
  } else {
    findings.ok("resolver.nsswitch", "/etc/nsswitch.conf does not name systemd-resolved");
  }
  if (examined.host.exists(kSocket)) {
    findings.problem("resolver.resolved",
                     "systemd-resolved looks up any name for any process that asks " +
                         std::string(kSocket) + " or D-Bus, past the allowlist",
                     "cp --remove-destination /run/systemd/resolve/resolv.conf /etc/resolv.conf; "
                     "systemctl disable --now systemd-resolved");
  } else {
    findings.ok("resolver.resolved", "systemd-resolved does not run");
  }
}

}  // namespace picortex
