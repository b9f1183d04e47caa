#include "netfilter/attribution/asked_names.h"

#include <algorithm>

namespace picortex {
namespace {

bool has_name(std::string_view joined, std::string_view name) noexcept {
  constexpr std::string_view kBetween = ", ";
  for (std::size_t at = joined.find(name); at != joined.npos; at = joined.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool begins = at == 0 || joined.substr(0, at).ends_with(kBetween);
    const bool ends = end == joined.size() || joined.substr(end).starts_with(kBetween);
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace

void AskedNames::note(const ProcessKey& process, const HostName& name) {
  const auto is_same = [&](const Entry& entry) {
    return entry.process == process && entry.name == name;
  };
  if (std::ranges::any_of(entries_, is_same)) return;
  if (entries_.size() < kEntriesMax) {
    entries_.push_back({process, name});
    return;
  }
  entries_[oldest_] = {process, name};
  oldest_ = (oldest_ + 1) % kEntriesMax;
}

std::string_view AskedNames::find_only(const ProcessKey& process,
                                       std::string_view candidates) const {
  std::string_view found;
  for (const Entry& entry : entries_) {
    if (!(entry.process == process) || !has_name(candidates, entry.name.view())) continue;
    if (!found.empty()) return {};
    found = entry.name.view();
  }
  return found;
}

}  // namespace picortex
