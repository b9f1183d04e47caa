#include "storage/name_pruner.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace picortex {
namespace {

// Checking a name that is in use costs about 3 µs.
constexpr std::int64_t kRowsPerScan = 200;

void sort_unique(std::vector<std::int64_t>& numbers) {
  std::ranges::sort(numbers);
  const auto rest = std::ranges::unique(numbers);
  numbers.erase(rest.begin(), rest.end());
}

}  // namespace

StoreResult<void> NamePruner::prepare(Database& database, NameInterner& names, Counters& counters) {
  names_ = &names;
  counters_ = &counters;
  const std::pair<Statement*, const char*> statements[] = {
      {&next_types_, "SELECT id FROM event_type WHERE id > ?1 ORDER BY id LIMIT ?2"},
      {&next_chats_, "SELECT id FROM chat WHERE id > ?1 ORDER BY id LIMIT ?2"}};
  start_scan();
  return database.prepare_all(statements);
}

void NamePruner::collect(std::int64_t type, std::int64_t chat) {
  // Neighbouring events often have the same type and chat.
  if (types_.empty() || types_.back() != type) types_.push_back(type);
  if (chats_.empty() || chats_.back() != chat) chats_.push_back(chat);
}

StoreResult<std::size_t> NamePruner::prune_collected(std::int64_t seen_before) {
  sort_unique(types_);
  sort_unique(chats_);
  auto pruned = prune(types_, chats_, seen_before);
  types_.clear();
  chats_.clear();
  return pruned;
}

StoreResult<std::size_t> NamePruner::prune(std::vector<std::int64_t>& types,
                                           std::vector<std::int64_t>& chats,
                                           std::int64_t seen_before) {
  std::size_t count = 0;
  for (const std::int64_t type : types) {
    count += TRY(names_->prune_type(type)) ? 1 : 0;
  }
  for (const std::int64_t chat : chats) {
    count += TRY(names_->prune_chat(chat, seen_before, *counters_)) ? 1 : 0;
  }
  return count;
}

void NamePruner::start_scan() noexcept {
  if (is_scanning()) return;
  table_ = Table::types;
  scanned_up_to_ = std::numeric_limits<std::int64_t>::min();
}

StoreResult<std::size_t> NamePruner::scan(std::int64_t seen_before) {
  if (!is_scanning()) return 0;
  scanned_.clear();
  Statement& rows = table_ == Table::types ? next_types_ : next_chats_;
  rows.bind(1, scanned_up_to_).bind(2, kRowsPerScan);
  while (TRY(rows.step())) {
    scanned_.push_back(rows.integer(0));
  }
  const bool is_types = table_ == Table::types;
  if (scanned_.empty()) {
    table_ = is_types ? Table::chats : Table::none;
    scanned_up_to_ = std::numeric_limits<std::int64_t>::min();
    return 0;
  }
  scanned_up_to_ = scanned_.back();
  std::vector<std::int64_t> none;
  return is_types ? prune(scanned_, none, seen_before) : prune(none, scanned_, seen_before);
}

}  // namespace picortex
