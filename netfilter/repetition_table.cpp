#include "netfilter/repetition_table.h"

#include <iterator>

namespace picortex {

RepetitionTable::Answer RepetitionTable::note(std::string_view key, const EgressRecord& record,
                                              std::int64_t now_ms) {
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    ++known->second->repetitions;
    return Answer::repeated;
  }
  if (entries_.size() >= kEntriesMax) return Answer::no_room;
  entries_.push_back({std::string(key), record, now_ms + kWindowMs});
  const auto entry = std::prev(entries_.end());
  by_key_.emplace(entry->key, entry);
  return Answer::first;
}

}  // namespace picortex
