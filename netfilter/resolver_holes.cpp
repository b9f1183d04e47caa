#include "netfilter/resolver_holes.h"

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
    holes.emplace_back(std::string("systemd-resolved looks up any name for whoever asks ") +
                       kSocket +
                       " or D-Bus, past the allowlist: systemctl disable --now systemd-resolved, "
                       "and name a resolver in /etc/resolv.conf");
  }
  return holes;
}

}  // namespace picortex
