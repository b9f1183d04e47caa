#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "netfilter/egress_record.h"

namespace picortex {

// Lets the first of many alike through and counts the others for a minute, so that a flood becomes
// one line and a count. Bounded: what finds the table full is counted in common.
class RepetitionTable {
 public:
  static constexpr std::size_t kEntriesMax = 2048;
  static constexpr std::int64_t kWindowMs = 60'000;

  // Counts one more of those alike, which is what `key` makes them; false: it is the first.
  bool repeat(std::string_view key);
  // The first one, whose record is kept for the count; false: there is no room for it.
  bool add(std::string_view key, const EgressRecord& record, std::int64_t now_ms);

  // Calls `report(EgressRecord& record, std::int64_t repetitions)` for each entry whose minute is
  // over and that was repeated, and forgets all whose minute is over.
  template <class Report>
  void expire(std::int64_t now_ms, Report report) {
    while (!entries_.empty() && entries_.front().end_ms <= now_ms) {
      Entry& entry = entries_.front();
      if (entry.repetitions > 0) report(entry.record, entry.repetitions);
      by_key_.erase(entry.key);
      entries_.pop_front();
    }
  }

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    EgressRecord record;
    std::int64_t end_ms;
    std::int64_t repetitions = 0;
  };
  using EntryList = std::list<Entry>;

  EntryList entries_;  // in the order of their ends
  // Keys are chosen by strangers.
  std::unordered_map<std::string_view, EntryList::iterator, KeyedHash> by_key_;
};

}  // namespace picortex
