#include "netfilter/address_table.h"

#include <algorithm>

#include "base/check.h"

namespace picortex {

void AddressTable::learn(const IpAddress& address, std::string_view name, std::uint32_t ttl_s,
                         std::int64_t now_ms) {
  while (!entries_.empty() && entries_.front().expires_ms <= now_ms) remove(entries_.begin());

  const std::int64_t expires_ms = now_ms + std::int64_t{ttl_s} * 1000 + kGraceMs;
  if (const auto known = by_address_.find(address); known != by_address_.end()) {
    const auto& names = known->second;
    const auto same = std::find_if(names.begin(), names.end(),
                                   [name](const auto& entry) { return entry->name == name; });
    if (same != names.end()) {
      (*same)->expires_ms = std::max((*same)->expires_ms, expires_ms);
      entries_.splice(entries_.end(), entries_, *same);
      return;
    }
    if (names.size() == kNamesMax) {
      remove(*std::min_element(names.begin(), names.end(), [](const auto& a, const auto& b) {
        return a->expires_ms < b->expires_ms;
      }));
    }
  }
  if (entries_.size() == kEntriesMax) remove(entries_.begin());
  entries_.push_back({address, std::string(name), expires_ms});
  by_address_[address].push_back(std::prev(entries_.end()));
}

bool AddressTable::agrees(const IpAddress& address, std::string_view name,
                          std::int64_t now_ms) const {
  bool found = false;
  find_name(address, now_ms, [&](std::string_view known) { return found = known == name; });
  return found;
}

void AddressTable::remove(EntryList::iterator entry) {
  const auto known = by_address_.find(entry->address);
  CHECK(known != by_address_.end());
  std::erase(known->second, entry);
  if (known->second.empty()) by_address_.erase(known);
  entries_.erase(entry);
}

}  // namespace picortex
