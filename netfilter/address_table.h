#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "netfilter/address.h"

namespace picortex {

// Which names the fenced user was given each address for. The DNS proxy writes it before an answer
// leaves, the verdicts read it. Bounded: when full the entry longest not renewed goes, of one
// address or of all; a connection that misses it is refused until its name is resolved again.
class AddressTable {
 public:
  static constexpr std::size_t kEntriesMax = 65'536;  // pairs of address and name
  static constexpr std::size_t kNamesMax = 16;        // of one address
  // Clients go on using an address for some time after its TTL.
  static constexpr std::int64_t kGraceMs = 600'000;

  // `name`: normalised. An entry that is there is renewed, never shortened.
  void learn(const IpAddress& address, std::string_view name, std::uint32_t ttl_s,
             std::int64_t now_ms);

  bool agrees(const IpAddress& address, std::string_view name, std::int64_t now_ms) const;

  // Calls `visit(std::string_view name)` for each name of the address that is still good, the
  // longest known first, until it returns true.
  template <class Visit>
  void find_name(const IpAddress& address, std::int64_t now_ms, Visit visit) const {
    const auto found = by_address_.find(address);
    if (found == by_address_.end()) return;
    for (const auto& entry : found->second) {
      if (now_ms < entry->expires_ms && visit(std::string_view(entry->name))) return;
    }
  }

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    IpAddress address;
    std::string name;
    std::int64_t expires_ms;
  };
  using EntryList = std::list<Entry>;

  void remove(EntryList::iterator entry);

  EntryList entries_;  // the longest not renewed first
  std::unordered_map<IpAddress, std::vector<EntryList::iterator>, IpAddressHash> by_address_;
};

}  // namespace picortex
