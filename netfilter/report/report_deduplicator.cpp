#include "netfilter/report/report_deduplicator.h"

#include <iterator>

#include "base/check.h"

namespace picortex {

bool ReportDeduplicator::repeat(std::string_view key) {
  const auto known = by_key_.find(key);
  if (known == by_key_.end()) return false;
  ++known->second->duplicates;
  return true;
}

void ReportDeduplicator::add(std::string_view key, const EgressRecord& record,
                             std::int64_t now_ms) {
  CHECK(!is_full());
  entries_.push_back({std::string(key), record, now_ms + kWindowMs});
  const auto entry = std::prev(entries_.end());
  by_key_.emplace(entry->key, entry);
}

}  // namespace picortex
