#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "netfilter/report/egress_record.h"

namespace picortex {

// Passes the first of many equal reports and counts the others for a minute, so that a flood
// becomes one line and a count. Holds `entries_max` entries; a caller that finds it full has to
// fold further.
class ReportDeduplicator {
 public:
  static constexpr std::int64_t kWindowMs = 60'000;

  explicit ReportDeduplicator(std::size_t entries_max) : entries_max_(entries_max) {}

  // Counts one more report with this `key`; returns false if it is the first.
  bool repeat(std::string_view key);
  // Adds the first one, whose record is kept for the count. Must not be full.
  void add(std::string_view key, const EgressRecord& record, std::int64_t now_ms);

  bool is_full() const noexcept { return entries_.size() >= entries_max_; }

  // Calls `report(EgressRecord& record, std::int64_t repetitions)` for each entry whose minute is
  // over and that was repeated, and removes all whose minute is over.
  template <class Report>
  void expire(std::int64_t now_ms, Report report) {
    while (!entries_.empty() && entries_.front().end_ms <= now_ms) {
      Entry& entry = entries_.front();
      if (entry.duplicates > 0) report(entry.record, entry.duplicates);
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
    std::int64_t duplicates = 0;
  };
  using EntryList = std::list<Entry>;

  std::size_t entries_max_;
  EntryList entries_;  // in the order of their ends
  // The fenced user chooses the keys.
  std::unordered_map<std::string_view, EntryList::iterator, KeyedHash> by_key_;
};

}  // namespace picortex
