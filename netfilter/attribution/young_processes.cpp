#include "netfilter/attribution/young_processes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/parse.h"

namespace picortex {

pid_t latest_pid_in(std::string_view text) noexcept {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t blank = text.rfind(' ');
  if (blank == text.npos) return 0;
  return parse_whole<pid_t>(text.substr(blank + 1)).value_or(0);
}

YoungProcesses::YoungProcesses() noexcept : load_(open("/proc/loadavg", O_RDONLY | O_CLOEXEC)) {}

std::vector<pid_t> YoungProcesses::list(Instant now) {
  std::array<char, 128> buffer;
  const ssize_t size = pread(load_.number(), buffer.data(), buffer.size(), 0);
  return list(latest_pid_in({buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0}), now);
}

std::vector<pid_t> YoungProcesses::list(pid_t latest, Instant now) {
  if (std::exchange(latest_, latest) != latest) until_ = now + kTime;
  std::vector<pid_t> pids;
  if (now >= until_) return pids;
  for (pid_t pid = std::max(1, latest - kMax + 1); pid <= latest; ++pid) pids.push_back(pid);
  return pids;
}

}  // namespace picortex
