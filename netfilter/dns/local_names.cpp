#include "netfilter/dns/local_names.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "netfilter/wire/host_name.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kLookEvery{5};
constexpr std::size_t kResolvConfSizeMax = 64 * 1024;

std::string normalised(std::string_view text) {
  const auto name = HostName::parse(text);
  return name ? std::string(name->view()) : std::string();
}

}  // namespace

LocalNames::LocalNames(std::string host, std::vector<std::string> search)
    : host_(std::move(host)), search_(std::move(search)), next_look_(Instant::max()) {}

void LocalNames::refresh(Instant now) {
  if (now < next_look_) return;
  next_look_ = now + kLookEvery;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0) host_ = normalised(host.data());
  std::ifstream file("/etc/resolv.conf");
  std::string text(kResolvConfSizeMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  search_ = parse_search(text);
  // If the file names none, the C library uses the domain of the host's name.
  const std::string_view domain = parent_name(host_);
  if (search_.empty() && !domain.empty()) search_.emplace_back(domain);
}

std::vector<std::string> LocalNames::parse_search(std::string_view text) {
  std::vector<std::string> domains;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    const std::size_t word_end = line.find_first_of(" \t");
    const std::string_view word = line.substr(0, word_end);
    if (word_end == line.npos || (word != "search" && word != "domain")) continue;
    domains.clear();
    for (line = trimmed(line.substr(word_end)); !line.empty() && domains.size() < kSearchMax;) {
      const std::size_t size = line.find_first_of(" \t");
      std::string domain = normalised(line.substr(0, size));
      if (!domain.empty()) domains.push_back(std::move(domain));
      line = size == line.npos ? std::string_view{} : trimmed(line.substr(size));
      if (word == "domain") break;
    }
  }
  return domains;
}

bool LocalNames::is_this_machine(std::string_view name) const {
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  if (host_.empty()) return false;
  const std::string_view label = std::string_view(host_).substr(0, host_.find('.'));
  const auto is_ours = [this, label](std::string_view candidate) {
    return candidate == host_ || candidate == label || candidate == "localhost";
  };
  return is_ours(name) || find_without_search_domain(name, is_ours);
}

std::string_view host_of_service(std::string_view name) noexcept {
  if (!name.starts_with('_')) return {};
  while (name.starts_with('_')) name = parent_name(name);
  return name;
}

}  // namespace picortex
