#include "netfilter/kernel/resolver_bypass_check.h"

#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace picortex {

bool asks_resolved(std::string_view nsswitch) {
  std::istringstream lines{std::string(nsswitch)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word) || word != "hosts:") continue;
    while (words >> word) {
      if (word == "resolve") return true;
    }
  }
  return false;
}

std::vector<std::string> find_resolver_holes() {
  constexpr const char* kSocket = "/run/systemd/resolve/io.systemd.Resolve";
  std::vector<std::string> holes;
  std::ifstream file("/etc/nsswitch.conf");
  if (asks_resolved(std::string{std::istreambuf_iterator<char>(file), {}})) {
    holes.emplace_back(
        "/etc/nsswitch.conf has systemd-resolved look names up, past the allowlist: take "
        "\"resolve\" out of its line hosts");
  }
  if (access(kSocket, F_OK) == 0) {
    holes.emplace_back(
        std::string("systemd-resolved looks up any name for any process that asks ") + kSocket +
        " or D-Bus, past the allowlist: systemctl disable --now systemd-resolved, "
        "and name a resolver in /etc/resolv.conf");
  }
  return holes;
}

bool restricts_ptrace(std::string_view scope) noexcept {
  return !scope.empty() && scope.front() >= '1' && scope.front() <= '3';
}

std::vector<std::string> find_fence_limits() {
  constexpr const char* kYama = "/proc/sys/kernel/yama/ptrace_scope";
  std::vector<std::string> limits;
  std::ifstream file(kYama);
  const std::string scope{std::istreambuf_iterator<char>(file), {}};
  if (!restricts_ptrace(scope)) {
    limits.push_back(
        (scope.empty() ? std::string("the kernel lacks yama") : "kernel.yama.ptrace_scope is 0") +
        ": a process of the user can act through another one (ptrace), so that an attempt bears "
        "the IDs of another turn; " +
        (scope.empty() ? "a kernel with CONFIG_SECURITY_YAMA"
                       : "sysctl kernel.yama.ptrace_scope=1") +
        " keeps them apart");
  }
  const int vsock = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (vsock >= 0) {
    close(vsock);
    limits.emplace_back(
        "AF_VSOCK sockets can be opened: they reach the hypervisor's services past any packet "
        "filter; where none is used, blacklist the module vsock, or start the user's programs "
        "under RestrictAddressFamilies=~AF_VSOCK (systemd.exec(5))");
  }
  return limits;
}

}  // namespace picortex
