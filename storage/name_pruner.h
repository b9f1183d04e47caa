#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/counters.h"
#include "storage/name_interner.h"
#include "storage/sqlite/database.h"

namespace picortex {

// Deletes the rows of `chat` and `event_type` that no event refers to any more, so that names
// cannot fill a database that is limited in size. It finds them in two ways: retention reports the
// numbers of the events that it deletes, and a scan of both tables, one slice at a time, finds
// older leftovers. Every call must be within a write transaction. Part of Retention.
//
// A chat counts in chats_total for good, and in chats_active_7d while its row exists.
class NamePruner {
 public:
  // Call it once. References passed in must outlive this object.
  StoreResult<void> prepare(Database& database, NameInterner& names, Counters& counters);

  // Reports that an event with these numbers was deleted.
  void collect(std::int64_t type, std::int64_t chat);
  // Deletes the collected names that are now unused; chats only if last seen before `seen_before`
  // (in minutes since 1970). Returns how many.
  StoreResult<std::size_t> prune_collected(std::int64_t seen_before);

  // Starts a scan of both tables, unless one is running.
  void start_scan() noexcept;
  bool is_scanning() const noexcept { return table_ != Table::none; }
  // Checks the next rows of the scan. Returns how many it deleted.
  StoreResult<std::size_t> scan(std::int64_t seen_before);

 private:
  enum class Table { types, chats, none };

  StoreResult<std::size_t> prune(std::vector<std::int64_t>& types, std::vector<std::int64_t>& chats,
                                 std::int64_t seen_before);

  NameInterner* names_ = nullptr;
  Counters* counters_ = nullptr;
  std::vector<std::int64_t> types_;
  std::vector<std::int64_t> chats_;
  std::vector<std::int64_t> scanned_;
  Table table_ = Table::none;
  std::int64_t scanned_up_to_ = 0;  // the last number of table_ that was checked
  Statement next_types_;
  Statement next_chats_;
};

}  // namespace picortex
