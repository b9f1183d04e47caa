#include "netfilter/repetition_table.h"

#include <iterator>

namespace picortex {

bool RepetitionTable::repeat(std::string_view key) {
  const auto known = by_key_.find(key);
  if (known == by_key_.end()) return false;
  ++known->second->repetitions;
  return true;
}

bool RepetitionTable::add(std::string_view key, const EgressRecord& record, std::int64_t now_ms) {
  if (entries_.size() >= kEntriesMax) return false;
  entries_.push_back({std::string(key), record, now_ms + kWindowMs});
  const auto entry = std::prev(entries_.end());
  by_key_.emplace(entry->key, entry);
  return true;
}

}  // namespace picortex
